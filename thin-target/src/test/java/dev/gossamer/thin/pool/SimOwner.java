package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.owner.OwnerHost;
import dev.gossamer.thin.owner.OwnerPlace;
import dev.gossamer.thin.owner.OwnerProcess;
import dev.gossamer.thin.owner.PoolOwnership;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** A simulated daemon on a machine of its own: claims a pool on shared disks, opens it, writes and flushes. */
final class SimOwner implements AutoCloseable {
    /** The machines that have lost a process, so that its neighbours know. */
    static final class Machine implements OwnerHost {
        private final UUID boot;
        private final String name;
        private final Set<Long> gone = new HashSet<>();
        private long pids = 1;
        long wallMillis;

        Machine(String name) {
            this.name = name;
            this.boot = UUID.nameUUIDFromBytes(name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }

        @Override
        public OwnerProcess self() {
            return new OwnerProcess(boot, boot, 1, pids, pids, name);
        }

        @Override
        public boolean isGone(OwnerProcess process) {
            return process.isNeighbourOf(self()) && gone.contains(process.pid());
        }

        @Override
        public long currentTimeMillis() {
            return wallMillis;
        }

        /** The present process ends. */
        void end() {
            gone.add(pids++);
        }
    }

    private final Machine machine;
    private final SimLoops loops;
    private final SimNetwork.Way metadata;
    private final SimNetwork.Way data;
    final PoolOwnership ownership;
    private final CompletableFuture<Void> claim;
    private boolean taken;
    /** Between the claim and the opening of the pool. */
    Runnable beforeOpening = () -> {};

    private final IoBufferPool inlineBuffers = new IoBufferPool(1 << 23);
    private ThinPool pool;
    private ThinVolume volume;
    String lost;
    StorageException refused;

    SimOwner(Machine machine, SimNetwork.Way metadata, SimNetwork.Way data, SplittableRandom random, boolean force)
            throws StorageException {
        this.machine = machine;
        this.metadata = metadata;
        this.data = data;
        loops = new SimLoops(random.nextLong(), 2, 1 << 23);
        ownership = new PoolOwnership(loops.loop(0), machine, random.split());
        ownership.onLoss(why -> {
            lost = why;
            if (pool != null) {
                pool.disown(why);
            }
        });
        claim = ownership.claim(look(metadata, data), metadata, data, force);
    }

    static OwnerPlace look(BlockDevice metadata, BlockDevice data) throws StorageException {
        try (IoBufferPool buffers = new IoBufferPool(1 << 21)) {
            InlineLoop inline = new InlineLoop(new NoFiles(), buffers);
            return OwnerPlace.find(
                    new BlockingIo(metadata, inline), new BlockingIo(data, inline), true, UnmarkedCatalog.REFUSE);
        }
    }

    /** What comes of a check at a device's gate: null so long as it is under way. */
    static final class Asked implements ChangeGate.Verdict {
        String verdict;

        @Override
        public void pass() {
            verdict = "pass";
        }

        @Override
        public void later(String why) {
            verdict = "later: " + why;
        }

        @Override
        public void refuse(String why) {
            verdict = "refuse: " + why;
        }
    }

    /** As a device does that has reconnected. */
    Asked ask(PoolOwnership.Role role, BlockDevice through) {
        Asked asked = new Asked();
        loops.enter(0, () -> ownership.gate(role).check(through, asked));
        return asked;
    }

    boolean isOpen() {
        return pool != null && lost == null;
    }

    PoolMode mode() {
        return pool.mode();
    }

    boolean isOver() {
        return lost != null || refused != null;
    }

    /** Time passes for this machine. */
    void advance(long nanos) {
        loops.advance(nanos);
        // A worker that waits in place for certainty would wait for a clock that does not move.
        if (claim.isDone() && !taken && (claim.isCompletedExceptionally() || ownership.isCertain())) {
            taken = true;
            beforeOpening.run();
            try {
                ThinPool.join(claim);
                CompletableFuture<ThinPool> opened = ThinPool.openOn(
                        ownership.guarded(PoolOwnership.Role.METADATA, metadata),
                        ownership.guarded(PoolOwnership.Role.DATA, data),
                        new InlineLoop(new NoFiles(), inlineBuffers),
                        loops.loop(1),
                        List.of(loops.loop(0)),
                        SimPool.OPTIONS.withOwner(ownership),
                        SimPool.NO_ORIGINS);
                loops.runUntilIdle();
                pool = ThinPool.join(opened);
                volume = pool.openVolume("vol");
            } catch (StorageException e) {
                refused = e;
            }
        }
    }

    /** Time passes, and this machine does nothing. */
    void standStill(long nanos) {
        loops.standStill(nanos);
    }

    /** Writes a number into a block, and flushes if that worked; {@code acknowledged} runs if that worked, too. */
    void write(int block, long number, Runnable acknowledged) {
        byte[] stamp = ByteBuffer.allocate(4096).putLong(0, number).array();
        loops.enter(0, () -> {
            BlockRequest request = loops.loop(0).requests().acquire();
            var buffer = loops.loop(0).buffers().acquire(stamp.length);
            buffer.bytes().put(0, stamp);
            request.transfer(BlockOperation.WRITE, (long) block * SimPool.BLOCK, stamp.length, 0, buffer, 0);
            request.push((done, errno) -> {
                buffer.release();
                if (errno != Errno.OK) {
                    done.recycle();
                    return;
                }
                done.command(BlockOperation.FLUSH, 0, 0, 0);
                done.push((flushed, error) -> {
                    flushed.recycle();
                    if (error == Errno.OK) {
                        acknowledged.run();
                    }
                });
                volume.submit(done);
            });
            volume.submit(request);
        });
    }

    /** Ends in good order; run {@link #advance} until the answer is there. */
    CompletableFuture<Void> shutDown() {
        volume.close();
        return pool.close();
    }

    /** The process is killed. */
    @Override
    public void close() {
        machine.end();
        metadata.hangUp();
        data.hangUp();
        loops.close();
        inlineBuffers.close();
    }

    private static final class NoFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("simulated machines have no files");
        }

        @Override
        public String name() {
            return "none";
        }
    }
}
