package dev.gossamer.daemon.cow;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.pool.ThinPool;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The pool and the classic snapshots of a daemon in a {@link CowWorld}, from a start to a stop or to the moment when it
 * is gone. Loops 0 and 1 are those of clients, 2 is the snapshots' worker and 3 the pool's; all run on the test's
 * thread, and so does what waits: whenever it gives a loop something to do, all loops run until time has passed.
 */
final class CowLife extends SimHarness {
    private static final int CLIENT_LOOPS = 2;
    private static final long STEP_NANOS = 1_000_000_000;

    /** Together longer than writes are held back for a store, and than a full pool keeps them. */
    private static final int STEPS = 40;

    private final IoBufferPool inlineBuffers = new IoBufferPool(1 << 23);
    private final ArrayDeque<Runnable> losses = new ArrayDeque<>();
    private final ArrayDeque<Runnable> changes = new ArrayDeque<>();
    private boolean running;

    final ThinPool pool;
    final CowService service;

    CowLife(CowWorld world, long seed) throws StorageException {
        super(seed, CLIENT_LOOPS + 1, BUFFER_BYTES);
        List<IoLoop> all = new ArrayList<>();
        for (int i = 0; i < loops.count(); i++) {
            all.add(new Driven(loops.loop(i)));
        }
        boolean done = false;
        try {
            pool = ThinPool.open(
                    new FaultyDevice(world.metadata, world.metadataFaults),
                    new FaultyDevice(world.data, world.dataFaults),
                    new InlineLoop(new CowWorld.NoFiles(), inlineBuffers),
                    all.getLast(),
                    all.subList(0, all.size() - 1),
                    PoolOptions.DEFAULT.withOnFull(OnFull.QUEUE, Duration.ofSeconds(5)),
                    location -> world.open(location, new OpenOptions(true, false)));
            service = CowService.open(
                    world.record(),
                    new CowDevices(
                            world::open,
                            new OpenOptions(false, false),
                            pool,
                            all.get(CLIENT_LOOPS),
                            all.subList(0, CLIENT_LOOPS),
                            new CowThreads(losses::add, changes::add)));
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
        endMerges();
    }

    /** Has whatever a loop is given run, when nobody else would. */
    private final class Driven extends ForwardingLoop {
        Driven(IoLoop loop) {
            super(loop);
        }

        @Override
        public void execute(Runnable task) {
            super.execute(task);
            if (!running && !isOnALoop()) {
                pass();
            }
        }
    }

    private boolean isOnALoop() {
        for (int i = 0; i < loops.count(); i++) {
            if (loops.loop(i).inLoop()) {
                return true;
            }
        }
        return false;
    }

    /** Time goes by. What ended with a merge waits until {@link #endMerges}, as behind a change that is under way. */
    void pass() {
        running = true;
        try {
            for (int i = 0; i < STEPS; i++) {
                loops.advance(STEP_NANOS);
                for (Runnable loss = losses.poll(); loss != null; loss = losses.poll()) {
                    loss.run();
                }
            }
            loops.runUntilIdle();
        } finally {
            running = false;
        }
    }

    /** A merge that is done takes its snapshot away. */
    void endMerges() {
        for (Runnable change = changes.poll(); change != null; change = changes.poll()) {
            change.run();
        }
    }

    /** The first of those that wait for {@link #endMerges}. */
    void endOneMerge() {
        changes.remove().run();
    }

    /** As a client's connection does it; null if there is nothing of that name to be opened. */
    BlockDevice open(String export) {
        BlockDevice[] opened = {null};
        loops.enter(0, () -> opened[0] = service.exports().open(export));
        return opened[0];
    }

    /** In good order. */
    void stop() throws StorageException {
        endMerges();
        service.close();
        ThinPool.join(pool.close());
        close();
    }

    /** Drops everything, as at the end of a process. */
    @Override
    public void close() {
        if (!isClosed()) {
            super.close();
            inlineBuffers.close();
        }
    }
}
