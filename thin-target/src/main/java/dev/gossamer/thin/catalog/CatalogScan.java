package dev.gossamer.thin.catalog;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.util.HashSet;
import java.util.Set;

/**
 * Reads the slots of all devices when a pool is opened: asked in ascending order of ids, it reads each piece of the
 * catalog once, so that 64 volumes cost one read. Worker's thread; waits for its I/O.
 */
public final class CatalogScan implements AutoCloseable {
    /** The smallest data block; every block size is a multiple of it, so a piece is never in two blocks. */
    private static final int PIECE_BYTES = 64 << 10;

    private static final long NONE = -1;

    private final Places places;
    private final long blockBytes;
    private final BlockingIo data;
    private final String damage;
    private final int generation;
    private final Set<Integer> orphans;
    private final IoBuffer buffer;
    private long piece = NONE;
    private boolean mapped;

    /** Where the catalog's blocks are. */
    public interface Places {
        /** The data block of one of its blocks; negative: there is none. */
        long dataBlock(long block) throws StorageException;
    }

    /**
     * @param places null: there is no catalog, and nothing is known of any device
     * @param blockBytes of a data block
     * @param damage why nobody can tell what the catalog says; null: it can be read, or there is none
     * @param generation of the catalog
     * @param orphans takes the ids of slots in which there is a half that no commit has made true
     */
    CatalogScan(Places places, long blockBytes, BlockingIo data, String damage, int generation, Set<Integer> orphans) {
        this.places = places;
        this.blockBytes = blockBytes;
        this.data = data;
        this.damage = damage;
        this.generation = generation;
        this.orphans = orphans;
        this.buffer = data.loop().buffers().acquire(PIECE_BYTES);
    }

    /** Reads the catalog of a pool that is not open here, of this generation; nothing of it is changed. */
    public static CatalogScan ofClosedPool(Places places, long blockBytes, BlockingIo data, int generation) {
        return new CatalogScan(places, blockBytes, data, null, generation, new HashSet<>());
    }

    /** What the catalog says of an existing device; null if nothing, or of an earlier device with that id. */
    public CatalogSlot get(int id, DeviceDetails details) throws StorageException {
        if (damage != null) {
            throw new MetadataCorrupt("the pool's catalog cannot be read: " + damage);
        }
        if (places == null) {
            return null;
        }
        long offset = (long) id * CatalogSlot.SLOT_BYTES;
        if (offset / PIECE_BYTES != piece) {
            load(offset / PIECE_BYTES);
        }
        if (!mapped) {
            return null;
        }
        SlotHalves halves = SlotHalves.decode(buffer.bytes(), (int) (offset % PIECE_BYTES), id);
        if (halves.hasOrphan(details, generation)) {
            orphans.add(id);
        }
        return halves.inForce(details, generation);
    }

    private void load(long wanted) throws StorageException {
        piece = NONE;
        long offset = wanted * PIECE_BYTES;
        long block;
        try {
            block = places.dataBlock(offset / blockBytes);
        } catch (MetadataCorrupt e) {
            throw new MetadataCorrupt("the pool's catalog is damaged: " + e.getMessage());
        }
        mapped = block >= 0;
        if (mapped) {
            data.read(block * blockBytes + offset % blockBytes, buffer, 0, PIECE_BYTES);
        }
        piece = wanted;
    }

    @Override
    public void close() {
        buffer.release();
    }
}
