package dev.gossamer.it.sim;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.world.GoldenImage;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.ThinPool;
import dev.gossamer.thin.pool.ThinVolume;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * What the disks would be if the power failed now, while the story goes on: copies of both lose what they may lose, a
 * pool is opened on them, checked, and read from one end to the other. It costs a few milliseconds, and a story can
 * have many.
 *
 * <p>One in eight has a bit of its metadata flipped besides. Then errors are in order; what is read without one is
 * right all the same, and nothing hangs or throws.
 */
final class CutImage {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 128 << 10;
    private static final int WRITE_BYTES = 4096;
    private static final PoolCaches CACHES = new PoolCaches(256, 1 << 14, 1 << 16);

    /** Used again by some images, one after the other: mapping it takes longer than looking. */
    private static final class Memory {
        private static final int USES = 12;
        private IoBufferPool inline = new IoBufferPool(BUFFER_BYTES);
        private int uses;
        private SimLoops loops = new SimLoops(0, 2, BUFFER_BYTES);

        IoBufferPool inline() {
            if (inline.usedBytes() != 0) {
                inline.close();
                inline = new IoBufferPool(BUFFER_BYTES);
            }
            return inline;
        }

        SimLoops loops(long seed) {
            // Loops remember the pools that they had.
            if (++uses % USES == 0 || !loops.restart(seed)) {
                loops.close();
                loops = new SimLoops(seed, 2, BUFFER_BYTES);
            }
            return loops;
        }
    }

    private static final ThreadLocal<Memory> MEMORY = ThreadLocal.withInitial(Memory::new);

    private final Machine machine;
    private final Judge judge;
    private final String when;
    private final boolean mayBeReadOnly;
    private final boolean flipped;

    /** @param mayBeReadOnly the pool was in such a mode, or a device has failed */
    private CutImage(Machine machine, Judge judge, String when, boolean mayBeReadOnly, boolean flipped) {
        this.machine = machine;
        this.judge = judge;
        this.when = when;
        this.mayBeReadOnly = mayBeReadOnly;
        this.flipped = flipped;
    }

    /** Tries one. True: with a bit flipped. */
    static boolean look(Machine now, Judge judge, SplittableRandom random, String when, boolean mayBeReadOnly) {
        Machine cut = now.copy();
        cut.cut(random);
        boolean flips = random.nextInt(8) == 0;
        if (flips) {
            cut.flipMetadata(random);
        } else {
            cut.check(when);
        }
        new CutImage(cut, judge, when, mayBeReadOnly, flips).look(random);
        return flips;
    }

    private void look(SplittableRandom random) {
        Memory memory = MEMORY.get();
        SimLoops loops = memory.loops(random.nextLong());
        try {
            ThinPool pool = open(loops, memory.inline());
            if (pool == null) {
                return;
            }
            if (pool.mode().isMetadataReadOnly() && !mayBeReadOnly && !flipped) {
                throw new Violation(Oracle.MODE, when + ": the pool opens in mode " + pool.mode());
            }
            if (!flipped) {
                judge.survivorsAre(
                        pool.volumes().stream()
                                .map(VolumeInfo::name)
                                .filter(name -> !AfterStart.isStore(name))
                                .toList(),
                        when);
            }
            readAll(loops, pool);
            if (flipped && random.nextBoolean()) {
                writeAbout(loops, pool, random);
            }
            close(loops, pool);
        } catch (Violation found) {
            throw found;
        } catch (RuntimeException | Error found) {
            throw new Violation(Oracle.EXCEPTION, when + (flipped ? ", with a bit flipped" : "") + ": " + found, found);
        }
    }

    /** Null: it says why it cannot be opened. */
    private ThinPool open(SimLoops loops, IoBufferPool buffers) {
        PoolOptions options = PoolOptions.DEFAULT.withCaches(CACHES);
        CompletableFuture<ThinPool> opened = ThinPool.openOn(
                machine.metadata,
                machine.data,
                new InlineLoop(new Machine.NoFiles(), buffers),
                loops.loop(1),
                List.of(loops.loop(0)),
                options,
                location -> GoldenImage.open());
        loops.runUntilIdle();
        if (!opened.isDone()) {
            throw new Violation(Oracle.LIVENESS, when + ": the pool does not open");
        }
        if (opened.isCompletedExceptionally()) {
            if (!flipped || !(opened.exceptionNow() instanceof StorageException)) {
                throw new Violation(
                        Oracle.MODE,
                        when + ": the pool does not open: " + opened.exceptionNow(),
                        opened.exceptionNow());
            }
            return null;
        }
        return opened.join();
    }

    private void readAll(SimLoops loops, ThinPool pool) {
        for (VolumeInfo info : pool.volumes()) {
            ThinVolume volume = pool.openVolume(info.name());
            if (volume == null) {
                continue; // its metadata is damaged
            }
            for (long at = 0; at < info.sizeBytes(); at += PIECE_BYTES) {
                int length = (int) Math.min(PIECE_BYTES, info.sizeBytes() - at);
                byte[] data = new byte[length];
                int errno = request(loops, volume, BlockOperation.READ, at, data);
                if (errno == Errno.OK && AfterStart.isStore(info.name())) {
                    continue; // a snapshot's, which is read through it after real cuts alone
                }
                if (errno == Errno.OK) {
                    judge.survives(info.name(), info.sizeBytes(), at, data, when, flipped);
                } else if (!flipped) {
                    throw new Violation(Oracle.REPLY, when + ": a read of " + info.name() + " fails: " + errno);
                }
            }
            volume.close();
        }
    }

    /** Whether a damaged pool takes a change or not, everything ends. */
    private void writeAbout(SimLoops loops, ThinPool pool, SplittableRandom random) {
        for (VolumeInfo info : pool.volumes()) {
            ThinVolume volume = pool.openVolume(info.name());
            if (volume == null || volume.geometry().readOnly()) {
                continue;
            }
            for (int i = 0; i < 4 && info.sizeBytes() >= WRITE_BYTES; i++) {
                long at = random.nextLong(info.sizeBytes() / WRITE_BYTES) * WRITE_BYTES;
                request(loops, volume, BlockOperation.WRITE, at, new byte[WRITE_BYTES]);
            }
            request(loops, volume, BlockOperation.FLUSH, 0, new byte[0]);
            volume.close();
        }
    }

    private void close(SimLoops loops, ThinPool pool) {
        CompletableFuture<Void> closed = pool.close();
        loops.runUntilIdle();
        for (int turns = 0; !closed.isDone() && turns < 1000 && loops.advanceToNextTimer(); turns++) {
            // until it is closed
        }
        if (!closed.isDone()) {
            throw new Violation(Oracle.LIVENESS, when + ": the pool is not closed");
        }
    }

    private int request(SimLoops loops, ThinVolume volume, BlockOperation operation, long at, byte[] data) {
        int[] result = {-1};
        IoLoop loop = loops.loop(0);
        loops.enter(0, () -> {
            BlockRequest request = loop.requests().acquire();
            IoBuffer buffer = loop.buffers().acquire(Math.max(1, data.length));
            if (operation == BlockOperation.FLUSH) {
                request.command(operation, 0, 0, 0);
            } else {
                buffer.bytes().put(0, data);
                request.transfer(operation, at, data.length, 0, buffer, 0);
            }
            request.push((done, errno) -> {
                if (operation == BlockOperation.READ) {
                    buffer.bytes().get(0, data);
                }
                buffer.release();
                done.recycle();
                result[0] = errno;
            });
            volume.start(request);
        });
        loops.runUntilIdle();
        for (int turns = 0; result[0] < 0 && turns < 100 && loops.advanceToNextTimer(); turns++) {
            // writes may wait for a commit
        }
        if (result[0] < 0) {
            throw new Violation(Oracle.LIVENESS, when + ": " + operation + " at " + at + " does not end");
        }
        return result[0];
    }
}
