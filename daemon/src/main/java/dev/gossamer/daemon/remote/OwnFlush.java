package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;

/** A FLUSH that no request has asked for, of the device's own. */
final class OwnFlush extends RemoteCommand {
    /** Takes the server's answer. */
    interface Outcome {
        void flushed(OwnFlush flush, int nbdError);
    }

    /** What had been answered when it was sent. */
    final long coveredSequence;

    private final Outcome outcome;

    OwnFlush(long coveredSequence, long deadlineNanos, Outcome outcome) {
        super(NbdCommand.FLUSH, 0, 0, 0, deadlineNanos);
        this.coveredSequence = coveredSequence;
        this.outcome = outcome;
    }

    @Override
    void answered(int nbdError) {
        outcome.flushed(this, nbdError);
    }
}
