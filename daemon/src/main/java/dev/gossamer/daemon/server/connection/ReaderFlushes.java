package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;

/**
 * FLUSHes of clients that may only read, of one loop. They have nothing of their own to make stable, and may still want
 * to know that what they have read of others' writes is (T27, T52): each is carried out. But who cannot write a byte
 * must not keep a disk busy with syncs: the first goes at once, those that come soon after it go together when that
 * time is over, and of one connection those that wait side by side share one. Never longer than the commands that
 * connections may have under way. Confined to the loop.
 */
final class ReaderFlushes {
    /** No more often than this: who only reads does not notice, and a disk hardly. */
    static final long PERIOD_NANOS = 100_000_000;

    private final IoLoop loop;
    private final Runnable over = this::over;
    private final RequestQueue waiting = new RequestQueue();
    private boolean resting;

    /** @param loop itself, not as one of its connections sees it */
    ReaderFlushes(IoLoop loop) {
        this.loop = loop;
    }

    /** Starts a FLUSH, whose note is free for this, now or later. Does not throw. */
    void start(BlockRequest flush, BlockDevice device) {
        if (resting) {
            flush.note(device);
            waiting.add(flush);
        } else {
            rest();
            device.start(flush);
        }
    }

    /** Without memory for a timer nobody would come back for what waits: then nothing does. */
    private void rest() {
        try {
            loop.schedule(over, PERIOD_NANOS);
            resting = true;
        } catch (RuntimeException | Error noTimer) {
            loop.faults().caught(noTimer);
        }
    }

    private void over() {
        resting = false;
        if (waiting.isEmpty()) {
            return;
        }
        rest();
        BlockRequest chain = waiting.takeAll(); // What is answered may bring more.
        while (chain != null) {
            BlockRequest first = chain;
            BlockDevice device = first.note(BlockDevice.class);
            Sharing sharing = sharing();
            chain = RequestQueue.unlink(first);
            while (sharing != null
                    && chain != null
                    && chain.note(BlockDevice.class).equals(device)) {
                BlockRequest next = chain;
                chain = RequestQueue.unlink(next);
                sharing.others.add(next);
            }
            if (sharing != null) {
                first.push(sharing);
            }
            device.start(first);
        }
    }

    private static Sharing sharing() {
        try {
            return new Sharing();
        } catch (OutOfMemoryError none) {
            return null; // then each goes by itself
        }
    }

    /** Those that are answered with the one that is carried out. */
    private static final class Sharing implements BlockCompletion {
        private final RequestQueue others = new RequestQueue();

        @Override
        public void complete(BlockRequest first, int errno) {
            for (BlockRequest other = others.poll(); other != null; other = others.poll()) {
                other.complete(errno);
            }
            first.complete(errno);
        }
    }
}
