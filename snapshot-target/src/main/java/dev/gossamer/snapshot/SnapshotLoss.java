package dev.gossamer.snapshot;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.snapshot.copy.HeldRequest;
import dev.gossamer.snapshot.copy.PendingRemap;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * That a snapshot is lost, written down before a write of the origin goes by it (rules S-V2, S-V6): in its store's
 * header and in its {@link LossRecord}. One of the two is enough. If neither can be had the write fails, and the next
 * one tries again. Worker's thread.
 */
final class SnapshotLoss {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotLoss.class);

    private enum State {
        NOT_LOST,
        BEING_WRITTEN,
        /** Lost, but a restart would not know: nothing goes by. */
        NOWHERE,
        WRITTEN
    }

    private final CowSnapshot snapshot;
    private final IoLoop loop;
    private State state = State.NOT_LOST;
    // What the log says of the two already: each write of the origin tries again.
    private int toldHeader = Errno.OK;
    private int toldRecord = Errno.OK;
    // Both bounded by the requests that connections have under way.
    private final List<PendingRemap> dropped = new ArrayList<>();
    private final List<HeldRequest> held = new ArrayList<>();

    SnapshotLoss(CowSnapshot snapshot, IoLoop loop) {
        this.snapshot = snapshot;
        this.loop = loop;
    }

    /** The store's header said so when it was opened. */
    void wasKnown() {
        state = State.WRITTEN;
    }

    boolean isBeingWritten() {
        return state == State.BEING_WRITTEN;
    }

    /** Writes it down. */
    void write() {
        state = State.BEING_WRITTEN;
        snapshot.store().invalidate(header -> snapshot.spec()
                .lossRecord()
                .lost(snapshot.name(), snapshot.cause(), record -> loop.execute(() -> written(header, record))));
    }

    private void written(int header, int record) {
        if ((header != Errno.OK || record != Errno.OK) && (header != toldHeader || record != toldRecord)) {
            toldHeader = header;
            toldRecord = record;
            LOG.error(
                    "snapshot={} is lost: header={} record={}",
                    snapshot.name(),
                    Errno.name(header),
                    Errno.name(record));
        }
        boolean isKnown = header == Errno.OK || record == Errno.OK;
        state = isKnown ? State.WRITTEN : State.NOWHERE;
        List<PendingRemap> chunks = List.copyOf(dropped);
        List<HeldRequest> writes = List.copyOf(held);
        dropped.clear();
        held.clear();
        snapshot.lossWritten(isKnown);
        chunks.forEach(this::end);
        for (HeldRequest write : writes) {
            if (!isKnown) {
                write.fail(Errno.EIO);
            }
            write.release();
        }
    }

    /** A chunk that will not be in the store: who waits for it waits until the loss is written down. */
    void drop(PendingRemap chunk) {
        if (state == State.BEING_WRITTEN) {
            dropped.add(chunk);
        } else {
            end(chunk);
        }
    }

    private void end(PendingRemap chunk) {
        if (state == State.NOWHERE) {
            chunk.failHeld(Errno.EIO);
        }
        snapshot.finish(chunk, Errno.EIO);
    }

    /** Keeps a write of the origin until the loss is written down. */
    void hold(HeldRequest write) {
        if (state == State.WRITTEN) {
            return;
        }
        write.hold();
        held.add(write);
        if (state == State.NOWHERE) {
            write();
        }
    }
}
