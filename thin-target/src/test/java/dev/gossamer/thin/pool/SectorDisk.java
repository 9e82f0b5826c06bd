package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.random.RandomGenerator;

/**
 * A data disk that keeps the first sector of each data block, and its first blocks, where a new pool has its catalog:
 * for tests of mappings by the thousand that write and read block beginnings. The rest reads as zeros.
 */
final class SectorDisk implements BlockDevice {
    private static final int SECTOR = 512;

    private final long sizeBytes;
    private final SimulatedDisk catalog;
    private final SimulatedDisk sectors;

    SectorDisk(long blocks) {
        this(
                blocks * SimPool.BLOCK,
                new SimulatedDisk((long) VoidDisk.CATALOG_BLOCKS * SimPool.BLOCK),
                new SimulatedDisk(blocks * SECTOR));
    }

    private SectorDisk(long sizeBytes, SimulatedDisk catalog, SimulatedDisk sectors) {
        this.sizeBytes = sizeBytes;
        this.catalog = catalog;
        this.sectors = sectors;
    }

    /** An independent disk that holds the same, on another supply. */
    SectorDisk copy(PowerSupply power) {
        return new SectorDisk(sizeBytes, catalog.copy(power), sectors.copy(power));
    }

    void crash(RandomGenerator random) {
        catalog.crash(random);
        sectors.crash(random);
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(sizeBytes, SECTOR, false, 0);
    }

    @Override
    public void submit(BlockRequest request) {
        request.beginSplit();
        if (request.operation() == BlockOperation.FLUSH) {
            catalog.submit(request.child(0, 0));
            sectors.submit(request.child(0, 0));
        } else {
            if (request.operation() == BlockOperation.READ) {
                request.buffer().zero(request.bufferOffsetBytes(), (int) request.lengthBytes());
            }
            long end = request.offsetBytes() + request.lengthBytes();
            for (long block = request.offsetBytes() / SimPool.BLOCK; block * SimPool.BLOCK < end; block++) {
                boolean whole = block < VoidDisk.CATALOG_BLOCKS;
                long from = Math.max(request.offsetBytes(), block * SimPool.BLOCK);
                long to = Math.min(end, block * SimPool.BLOCK + (whole ? SimPool.BLOCK : SECTOR));
                if (from < to) {
                    BlockRequest part = request.child(from, to - from);
                    if (whole) {
                        catalog.submit(part);
                    } else {
                        part.push(BlockRequest::complete, block * SECTOR + from % SimPool.BLOCK);
                        sectors.submit(part);
                    }
                }
            }
        }
        request.endSplit();
    }

    @Override
    public void close() {}
}
