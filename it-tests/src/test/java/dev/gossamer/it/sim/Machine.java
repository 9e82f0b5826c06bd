package dev.gossamer.it.sim;

import dev.gossamer.daemon.cow.VirtualCow;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.metadata.PoolCheck;
import dev.gossamer.thin.pool.ThinPool;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** What outlives a daemon: two disks on one power supply. */
final class Machine {
    static final int BLOCK_BYTES = 64 << 10;
    static final int ORIGIN_BYTES = 12 * BLOCK_BYTES;
    private static final int METADATA_BYTES = 1 << 20;
    private static final int METADATA_BLOCK_BYTES = 4096;
    private static final byte FOREIGN = (byte) 0xEE;

    /** Formatted once for each size. */
    private static final Map<List<Integer>, SimulatedDisk[]> FORMATTED = new HashMap<>();

    final PowerSupply power = new PowerSupply();
    final SimulatedDisk metadata;
    final SimulatedDisk data;

    /** A device beside the pool, which may have classic snapshots. */
    final SimulatedDisk origin;

    /** What the pool's directory says of them. */
    final VirtualCow.KeptRecord record = new VirtualCow.KeptRecord();

    /** Both as they are now, their caches included, on a power supply of their own. */
    Machine copy() {
        return new Machine(metadata, data);
    }

    private Machine(SimulatedDisk metadata, SimulatedDisk data) {
        this.metadata = metadata.copy(power);
        this.data = data.copy(power);
        origin = null;
    }

    /** @param sectorBytes the data device takes no less */
    Machine(int dataBlocks, int sectorBytes) {
        SimulatedDisk[] formatted =
                FORMATTED.computeIfAbsent(List.of(dataBlocks, sectorBytes), key -> format(dataBlocks, sectorBytes));
        metadata = formatted[0].copy(power);
        data = formatted[1].copy(power);
        origin = new SimulatedDisk(ORIGIN_BYTES).copy(power);
    }

    /** The data device is full of what nobody may ever see. */
    private static SimulatedDisk[] format(int dataBlocks, int sectorBytes) {
        SimulatedDisk metadata = new SimulatedDisk(METADATA_BYTES);
        SimulatedDisk data = new SimulatedDisk((long) dataBlocks * BLOCK_BYTES, sectorBytes);
        byte[] foreign = new byte[dataBlocks * BLOCK_BYTES];
        java.util.Arrays.fill(foreign, FOREIGN);
        data.writeNow(0, foreign);
        try (IoBufferPool buffers = new IoBufferPool(1 << 20)) {
            ThinPool.format(metadata, data, BLOCK_BYTES, new InlineLoop(new NoFiles(), buffers));
        } catch (StorageException e) {
            throw new IllegalStateException(e);
        }
        return new SimulatedDisk[] {metadata, data};
    }

    /** The power fails and returns; of what was not stable something is left. */
    void cut(SplittableRandom random) {
        metadata.crash(random);
        data.crash(random);
        if (origin != null) {
            origin.crash(random);
        }
        power.restore();
    }

    /** A bit of the metadata at rest is another one than was written; not of a block that is all zero. */
    void flipMetadata(SplittableRandom random) {
        long blocks = metadata.geometry().sizeBytes() / METADATA_BLOCK_BYTES;
        for (int tries = 0; tries < 1000; tries++) {
            long offset = random.nextLong(blocks) * METADATA_BLOCK_BYTES;
            byte[] block = metadata.readNow(offset, METADATA_BLOCK_BYTES);
            int at = random.nextInt(METADATA_BLOCK_BYTES);
            if (block[at] != 0 || (tries > 100 && block[0] != 0)) {
                metadata.writeNow(offset + at, new byte[] {(byte) (block[at] ^ 1 << random.nextInt(8))});
                return;
            }
        }
    }

    /** The checker finds nothing at all in the metadata of a pool that is not open. */
    void check(String when) {
        SimulatedDisk copy = metadata.copy(new PowerSupply());
        try (IoBufferPool buffers = new IoBufferPool(1 << 20)) {
            List<Damage> damage = PoolCheck.check(new BlockingIo(copy, new InlineLoop(new NoFiles(), buffers)));
            if (!damage.isEmpty()) {
                throw new Violation(Oracle.CHECK, when + ": " + damage);
            }
        } catch (StorageException e) {
            throw new Violation(Oracle.CHECK, when + ": the metadata cannot be checked: " + e.getMessage(), e);
        }
    }

    /** Disks grow as files do. */
    PoolGrowth growth(boolean metadataIsRemote, boolean dataIsRemote) {
        return new PoolGrowth() {
            @Override
            public long data(long atLeastBytes) throws StorageException {
                return dataIsRemote ? PoolGrowth.NONE.data(atLeastBytes) : grow(data, atLeastBytes);
            }

            @Override
            public long metadata(long atLeastBytes) throws StorageException {
                return metadataIsRemote ? PoolGrowth.NONE.metadata(atLeastBytes) : grow(metadata, atLeastBytes);
            }

            @Override
            public void dataShrunk(long toBytes) {
                if (!dataIsRemote) {
                    data.resize(toBytes);
                }
            }

            private static long grow(SimulatedDisk disk, long atLeastBytes) {
                long wanted = Math.ceilDiv(atLeastBytes, (long) BLOCK_BYTES) * BLOCK_BYTES;
                if (disk.geometry().sizeBytes() < wanted) {
                    disk.resize(wanted);
                }
                return disk.geometry().sizeBytes();
            }
        };
    }

    static final class NoFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("a simulated machine has no files");
        }

        @Override
        public String name() {
            return "none";
        }
    }
}
