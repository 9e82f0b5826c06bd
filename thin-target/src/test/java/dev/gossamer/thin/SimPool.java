package dev.gossamer.thin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.thin.catalog.OnFull;
import dev.gossamer.thin.metadata.PoolCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A pool on devices of the test's choice, all of it on the test's thread, interleaved by one seed: I/O loops 0 to n-1
 * and the worker on loop n.
 */
final class SimPool implements AutoCloseable {
    static final int BLOCK = 64 << 10;

    static final OriginOpener NO_ORIGINS = location -> {
        throw new StorageException(Errno.ENODEV, location + ": there are no origins in this test");
    };

    final SimLoops loops;
    private final IoBufferPool inlineBuffers = new IoBufferPool(1 << 23);
    private final InlineLoop inline = new InlineLoop(new NoFiles(), inlineBuffers);
    final ThinPool pool;
    private boolean closed;

    /** Writes that find no space fail at once, and the devices keep their sizes, unless a test wants it otherwise. */
    static final PoolOptions OPTIONS = PoolOptions.DEFAULT.withOnFull(OnFull.ERROR, Duration.ZERO);

    private SimPool(SimLoops loops, BlockDevice metadata, BlockDevice data, PoolOptions options, OriginOpener origins)
            throws StorageException {
        this.loops = loops;
        List<IoLoop> ioLoops = new ArrayList<>();
        for (int i = 0; i < loops.count() - 1; i++) {
            ioLoops.add(loops.loop(i));
        }
        CompletableFuture<ThinPool> opened =
                ThinPool.openOn(metadata, data, inline, loops.loop(loops.count() - 1), ioLoops, options, origins);
        loops.runUntilIdle();
        this.pool = ThinPool.join(opened);
    }

    static void format(BlockDevice metadata, BlockDevice data) throws StorageException {
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            ThinPool.format(metadata, data, BLOCK, new InlineLoop(new NoFiles(), buffers));
        }
    }

    /** The checker finds nothing at all in the metadata of a pool that is not open; leaks are findings too. */
    static void assertSound(BlockDevice metadata, String where) throws StorageException {
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            List<Damage> damage = PoolCheck.check(new BlockingIo(metadata, new InlineLoop(new NoFiles(), buffers)));
            assertEquals(List.of(), damage, where);
        }
    }

    static SimPool open(BlockDevice metadata, BlockDevice data, long seed, int ioLoops) throws StorageException {
        return open(metadata, data, seed, ioLoops, OPTIONS, NO_ORIGINS);
    }

    static SimPool open(BlockDevice metadata, BlockDevice data, long seed, int ioLoops, PoolOptions options)
            throws StorageException {
        return open(metadata, data, seed, ioLoops, options, NO_ORIGINS);
    }

    static SimPool open(
            BlockDevice metadata, BlockDevice data, long seed, int ioLoops, PoolOptions options, OriginOpener origins)
            throws StorageException {
        SimLoops loops = new SimLoops(seed, ioLoops + 1, 1 << 23);
        try {
            return new SimPool(loops, metadata, data, options, origins);
        } catch (StorageException e) {
            loops.close();
            throw e;
        }
    }

    /** Growth of simulated disks, as of files. */
    record DiskGrowth(SimulatedDisk metadataDisk, SimulatedDisk dataDisk) implements PoolGrowth {
        @Override
        public long data(long atLeastBytes) {
            return grow(dataDisk, atLeastBytes);
        }

        @Override
        public long metadata(long atLeastBytes) {
            return grow(metadataDisk, atLeastBytes);
        }

        private static long grow(SimulatedDisk disk, long atLeastBytes) {
            if (disk.geometry().sizeBytes() < atLeastBytes) {
                disk.resize(atLeastBytes);
            }
            return disk.geometry().sizeBytes();
        }
    }

    /** A request under way, and what became of it. */
    static final class Result {
        int errno = -1;
        byte[] data;

        boolean isDone() {
            return errno >= 0;
        }
    }

    /** Submits a request on an I/O loop without waiting; {@code data} is what a WRITE writes. */
    Result start(
            int loop, ThinVolume volume, BlockOperation operation, long offset, long length, int flags, byte[] data) {
        Result result = new Result();
        loops.enter(loop, () -> {
            BlockRequest request = loops.loop(loop).requests().acquire();
            IoBuffer buffer;
            if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
                buffer = loops.loop(loop).buffers().acquire((int) Math.max(1, length));
                if (data != null) {
                    buffer.bytes().put(0, data);
                }
                request.transfer(operation, offset, (int) length, flags, buffer, 0);
            } else {
                buffer = null;
                request.command(operation, offset, length, flags);
            }
            request.push((done, errno) -> {
                if (operation == BlockOperation.READ) {
                    result.data = new byte[(int) length];
                    buffer.bytes().get(0, result.data);
                }
                if (buffer != null) {
                    buffer.release();
                }
                done.recycle();
                result.errno = errno;
            });
            volume.submit(request);
        });
        return result;
    }

    int write(ThinVolume volume, long offset, byte[] data, int flags) {
        return finish(start(0, volume, BlockOperation.WRITE, offset, data.length, flags, data)).errno;
    }

    int write(ThinVolume volume, long offset, byte[] data) {
        return write(volume, offset, data, 0);
    }

    byte[] read(ThinVolume volume, long offset, int length) {
        Result result = finish(start(0, volume, BlockOperation.READ, offset, length, 0, null));
        if (result.errno != Errno.OK) {
            throw new AssertionError("read failed: " + Errno.name(result.errno));
        }
        return result.data;
    }

    int trim(ThinVolume volume, long offset, long length) {
        return finish(start(0, volume, BlockOperation.DISCARD, offset, length, 0, null)).errno;
    }

    int zero(ThinVolume volume, long offset, long length, int flags) {
        return finish(start(0, volume, BlockOperation.WRITE_ZEROES, offset, length, flags, null)).errno;
    }

    int flush(ThinVolume volume) {
        return finish(start(0, volume, BlockOperation.FLUSH, 0, 0, 0, null)).errno;
    }

    Result finish(Result result) {
        loops.runUntilIdle();
        if (!result.isDone()) {
            throw new AssertionError("request never completed");
        }
        return result;
    }

    <T> T await(CompletableFuture<T> answer) throws StorageException {
        loops.runUntilIdle();
        if (!answer.isDone()) {
            throw new AssertionError("operation never completed");
        }
        return ThinPool.join(answer);
    }

    ThinVolume create(String name, long sizeBytes) throws StorageException {
        await(pool.createVolume(new VolumeSpec(name, sizeBytes)));
        return pool.openVolume(name);
    }

    ThinVolume snapshot(String origin, String name) throws StorageException {
        await(pool.createSnapshot(origin, name, false));
        return pool.openVolume(name);
    }

    PoolStatus status() throws StorageException {
        return await(pool.status());
    }

    /** Buffers and requests in use on the I/O loops: 0 when nothing is under way. */
    long inUse() {
        long[] sum = {0};
        for (int i = 0; i < loops.count(); i++) {
            int loop = i;
            loops.enter(
                    i,
                    () -> sum[0] += loops.loop(loop).requests().inUse()
                            + loops.loop(loop).buffers().usedBytes());
        }
        return sum[0];
    }

    /** Closes the pool in good order: commits. */
    void shutDown() throws StorageException {
        closed = true;
        await(pool.close());
        loops.close();
        inlineBuffers.close();
    }

    /** Drops everything as a crash does. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            loops.close();
            inlineBuffers.close();
        }
    }

    private static final class NoFiles implements dev.gossamer.io.FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("simulated pools have no files");
        }

        @Override
        public String name() {
            return "none";
        }
    }
}
