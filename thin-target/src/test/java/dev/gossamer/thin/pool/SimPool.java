package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.metadata.PoolCheck;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * A pool on devices of the test's choice, all of it on the test's thread, interleaved by one seed: I/O loops 0 to n-1
 * and the worker on loop n.
 */
final class SimPool extends SimHarness {
    static final int BLOCK = 64 << 10;

    static final OriginOpener NO_ORIGINS = location -> {
        throw new StorageException(Errno.ENODEV, location + ": there are no origins in this test");
    };

    private final IoBufferPool inlineBuffers = new IoBufferPool(1 << 23);
    private final InlineLoop inline = new InlineLoop(new NoFiles(), inlineBuffers);
    final ThinPool pool;

    /** Writes that find no space fail at once, and the devices keep their sizes, unless a test wants it otherwise. */
    static final PoolOptions OPTIONS = PoolOptions.DEFAULT.withOnFull(OnFull.ERROR, Duration.ZERO);

    private SimPool(
            BlockDevice metadata,
            BlockDevice data,
            long seed,
            int ioLoops,
            int bufferBytes,
            PoolOptions options,
            OriginOpener origins,
            UnaryOperator<IoLoop> worker)
            throws StorageException {
        super(seed, ioLoops, bufferBytes);
        try {
            IoLoop workerLoop = worker.apply(worker());
            CompletableFuture<ThinPool> opened =
                    ThinPool.openOn(metadata, data, inline, workerLoop, ioLoops(), options, origins);
            this.pool = ThinPool.join(completed(opened));
            loops.runUntilIdle(); // Origins are looked at.
        } catch (StorageException e) {
            close();
            throw e;
        }
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
        return open(metadata, data, seed, ioLoops, options, origins, UnaryOperator.identity());
    }

    /** @param worker what the pool gets for its worker's loop */
    static SimPool open(
            BlockDevice metadata,
            BlockDevice data,
            long seed,
            int ioLoops,
            PoolOptions options,
            OriginOpener origins,
            UnaryOperator<IoLoop> worker)
            throws StorageException {
        return new SimPool(metadata, data, seed, ioLoops, BUFFER_BYTES, options, origins, worker);
    }

    /** With one I/O loop that has buffers for many requests. */
    static SimPool openLarge(BlockDevice metadata, BlockDevice data, int bufferBytes) throws StorageException {
        return new SimPool(metadata, data, 1, 1, bufferBytes, OPTIONS, NO_ORIGINS, UnaryOperator.identity());
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

        @Override
        public void dataShrunk(long toBytes) {
            dataDisk.resize(toBytes);
        }

        private static long grow(SimulatedDisk disk, long atLeastBytes) {
            if (disk.geometry().sizeBytes() < atLeastBytes) {
                disk.resize(atLeastBytes);
            }
            return disk.geometry().sizeBytes();
        }
    }

    int write(ThinVolume volume, long offset, byte[] data, int flags) {
        return finish(start(0, volume, BlockOperation.WRITE, offset, data.length, flags, data)).errno;
    }

    int trim(ThinVolume volume, long offset, long length) {
        return finish(start(0, volume, BlockOperation.DISCARD, offset, length, 0, null)).errno;
    }

    int zero(ThinVolume volume, long offset, long length, int flags) {
        return finish(start(0, volume, BlockOperation.WRITE_ZEROES, offset, length, flags, null)).errno;
    }

    <T> T await(CompletableFuture<T> answer) throws StorageException {
        return ThinPool.join(completed(answer));
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

    /** Who has a part of the data device; asked with pauses. */
    List<OwnedRun> owners(long offsetBytes, long lengthBytes) throws StorageException {
        CompletableFuture<List<OwnedRun>> answer = pool.jobs().owners(offsetBytes, lengthBytes);
        for (int i = 0; i < 10_000 && !answer.isDone(); i++) {
            loops.advance(1_000_000L);
        }
        return await(answer);
    }

    /** Closes the pool in good order: commits. What was set aside has been used, or given back, unless it failed. */
    void shutDown() throws StorageException {
        PoolMode mode = pool.mode();
        await(pool.close());
        if (mode == PoolMode.WRITE) {
            assertEquals(0, pool.parts.metadata.room().preparations(), "data blocks are still set aside");
        }
        close();
    }

    /** Drops everything as a crash does. */
    @Override
    public void close() {
        if (!isClosed()) {
            super.close();
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
