package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;
import java.util.function.IntConsumer;

/** A FLUSH that no request has asked for, of the device's own. */
final class OwnFlush extends RemoteCommand {
    private final RemoteLink link;
    private final IntConsumer outcome;

    /** What had been answered when it was sent. */
    final long coveredSequence;

    /** @param outcome takes the server's answer */
    OwnFlush(RemoteLink link, long coveredSequence, long deadlineNanos, IntConsumer outcome) {
        super(NbdCommand.FLUSH, 0, 0, 0, deadlineNanos);
        this.link = link;
        this.coveredSequence = coveredSequence;
        this.outcome = outcome;
    }

    @Override
    void answered(int nbdError) {
        link.flushed(this, nbdError, outcome);
    }
}
