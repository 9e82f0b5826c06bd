package dev.gossamer.thin.pool;

import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;

/** A status query of a test, and whether it was answered. */
final class AskedStatus {
    final StatusQuery query = new StatusQuery(this::answered);
    private final SimLoops loops;
    private int answers;

    AskedStatus(SimLoops loops) {
        this.loops = loops;
    }

    private void answered(StatusQuery answered) {
        answers++;
    }

    /** Asks without waiting. */
    AskedStatus start(int loop, ThinVolume volume, long offset, long length, boolean one, StatusContext... contexts) {
        answers = 0;
        loops.enter(loop, () -> {
            query.prepare(loops.loop(loop), offset, length, one, contexts);
            volume.queryStatus(query);
        });
        return this;
    }

    boolean isAnswered() {
        return answers == 1;
    }

    /** Waits; fails unless there was exactly one completion. */
    AskedStatus finish() {
        loops.runUntilIdle();
        if (answers != 1) {
            throw new AssertionError("the query was completed " + answers + " times");
        }
        return this;
    }

    /** The extents of an answer as "length:flags length:flags", lengths in blocks where they are whole. */
    String text(int index) {
        if (query.errno() != Errno.OK) {
            return Errno.name(query.errno());
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < query.count(index); i++) {
            long length = query.lengthBytes(index, i);
            String blocks = length % SimPool.BLOCK == 0 ? String.valueOf(length / SimPool.BLOCK) : length + "B";
            text.append(i == 0 ? "" : " ").append(blocks).append(':').append(query.flags(index, i));
        }
        return text.toString();
    }

    /** What an answer says of a place; -1 behind its end. */
    int flagsAt(int index, long bytesFromOffset) {
        long end = 0;
        for (int i = 0; i < query.count(index); i++) {
            end += query.lengthBytes(index, i);
            if (bytesFromOffset < end) {
                return query.flags(index, i);
            }
        }
        return -1;
    }
}
