package dev.gossamer.thin.catalog;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * The hidden thin device that names the others: one {@link CatalogSlot} per device id.
 *
 * <p>Its mappings are part of the pool's transaction like any volume's. A slot is in force only if the device it speaks
 * of exists ({@link CatalogSlot.Halves#inForce}), so creating, snapshotting and deleting a volume are atomic with the
 * commit although slots are written in place: before the commit the slot speaks of a device that is not there. Callers
 * commit after {@link #put}; the commit's data flush makes the slot stable.
 *
 * <p>Worker's thread; waits for its I/O.
 */
public final class Catalog {
    /** The catalog's device id, unless a volume of an adopted pool has it already. */
    public static final int PREFERRED_ID = 0xFFFFFF;

    /** Blocks are filled in pieces of at most this. */
    private static final int SLICE_BYTES = 1 << 20;

    private static final int NONE = -1;

    private final PoolMetadata metadata;
    private final BlockingIo data;
    private final int alignmentBytes;
    private int catalogId = NONE;

    private Catalog(PoolMetadata metadata, BlockingIo data) {
        this.metadata = metadata;
        this.data = data;
        this.alignmentBytes = data.device().geometry().alignmentBytes();
    }

    /** Finds the pool's catalog: the highest device whose own slot says that it is one. A pool without one is fine. */
    public static Catalog open(PoolMetadata metadata, BlockingIo data) throws StorageException {
        Catalog catalog = new Catalog(metadata, data);
        List<Integer> ids = metadata.deviceIds();
        for (int i = ids.size() - 1; i >= 0 && catalog.catalogId == NONE; i--) {
            int id = ids.get(i);
            CatalogSlot own = metadata.details(id).isRetired() ? null : catalog.read(id, id);
            if (own != null && own.catalogItself()) {
                catalog.catalogId = id;
            }
        }
        return catalog;
    }

    /** The device that is the catalog, or -1. */
    public int deviceId() {
        return catalogId;
    }

    /** Reads what the catalog says of existing devices. To be closed; the catalog must not be changed before. */
    public CatalogScan scan() {
        return new CatalogScan(metadata, data, catalogId);
    }

    /**
     * Writes a device's slot, over the older of its halves. Makes the catalog first if the pool has none.
     *
     * @return the slot as written
     */
    public CatalogSlot put(CatalogSlot slot) throws StorageException {
        if (catalogId == NONE) {
            create();
        }
        return write(slot);
    }

    /** Data blocks that {@link #put} would take for the slots of these devices together. */
    public int blocksNeeded(List<Integer> ids) throws StorageException {
        Set<Long> blocks = new HashSet<>();
        for (int id : ids) {
            long block = blockOf(id);
            long packed = catalogId == NONE ? PoolMetadata.NOT_MAPPED : metadata.lookup(catalogId, block);
            if (packed == PoolMetadata.NOT_MAPPED || !isExclusive(packed)) {
                blocks.add(block);
            }
        }
        if (catalogId == NONE) {
            blocks.add(blockOf(PREFERRED_ID));
        }
        return blocks.size();
    }

    /** Marks the slot of a device that was deleted, so that it can never speak of a later one. After the commit. */
    public void erase(CatalogSlot slot) throws StorageException {
        write(slot.asDeleted());
    }

    private void create() throws StorageException {
        List<Integer> ids = metadata.deviceIds();
        int id = PREFERRED_ID;
        while (ids.contains(id)) {
            id--;
        }
        metadata.createDevice(id);
        catalogId = id;
        DeviceDetails details = metadata.details(id);
        write(new CatalogSlot(
                0,
                true,
                true,
                false,
                id,
                -1,
                details.transactionId(),
                details.creationTime(),
                (PREFERRED_ID + 1L) * CatalogSlot.SLOT_BYTES,
                System.currentTimeMillis(),
                UUID.randomUUID(),
                "",
                0,
                null,
                VolumeLimits.NONE));
    }

    /** What one device, as the catalog, says of another and is in force; else null. */
    private CatalogSlot read(int device, int id) throws StorageException {
        long packed = metadata.lookup(device, blockOf(id));
        if (packed == PoolMetadata.NOT_MAPPED) {
            return null;
        }
        int windowBytes = windowBytes();
        long window = windowInBlock(id);
        IoBuffer buffer = data.loop().buffers().acquire(windowBytes);
        try {
            data.read(diskOffset(packed, window), buffer, 0, windowBytes);
            return CatalogSlot.decode(buffer.bytes(), (int) (slotInBlock(id) - window), id)
                    .inForce(metadata.details(id));
        } finally {
            buffer.release();
        }
    }

    private CatalogSlot write(CatalogSlot slot) throws StorageException {
        long packed = writableBlock(blockOf(slot.id()));
        int windowBytes = windowBytes();
        long window = windowInBlock(slot.id());
        int slotInWindow = (int) (slotInBlock(slot.id()) - window);
        IoBuffer buffer = data.loop().buffers().acquire(windowBytes);
        try {
            data.read(diskOffset(packed, window), buffer, 0, windowBytes);
            CatalogSlot.Halves present = CatalogSlot.decode(buffer.bytes(), slotInWindow, slot.id());
            long sequence = nextSequence(present, metadata.details(slot.id()));
            CatalogSlot written = slot.withSequence(sequence);
            int half = slotInWindow + (int) (sequence & 1) * CatalogSlot.HALF_BYTES;
            written.encode(buffer.bytes(), half);
            // Only the sector with this half goes out, so that a torn write cannot reach the other one.
            int from = half & -alignmentBytes;
            int bytes = Math.max(alignmentBytes, CatalogSlot.HALF_BYTES);
            data.write(diskOffset(packed, window + from), buffer, from, bytes);
            return written;
        } finally {
            buffer.release();
        }
    }

    /** The half goes by the sequence's lowest bit, and must not be the one that is in force. */
    private static long nextSequence(CatalogSlot.Halves present, DeviceDetails details) {
        CatalogSlot newer = present.newer();
        if (newer == null) {
            return 1;
        }
        CatalogSlot inForce = present.inForce(details);
        return newer.sequence() + (inForce == null || inForce.equals(newer) ? 1 : 2);
    }

    /** The mapping of a catalog block that may be written in place: provisions it, or breaks its sharing, first. */
    private long writableBlock(long virtualBlock) throws StorageException {
        long packed = metadata.lookup(catalogId, virtualBlock);
        boolean mapped = packed != PoolMetadata.NOT_MAPPED;
        if (mapped && isExclusive(packed)) {
            return packed;
        }
        long dataBlock = metadata.reserveDataBlock();
        int sliceBytes = Math.min(SLICE_BYTES, metadata.blockBytes());
        IoBuffer buffer = data.loop().buffers().acquire(sliceBytes);
        try {
            buffer.zero(0, sliceBytes);
            long target = Mapping.pack(dataBlock, 0);
            for (long offset = 0; offset < metadata.blockBytes(); offset += sliceBytes) {
                int bytes = (int) Math.min(sliceBytes, metadata.blockBytes() - offset);
                if (mapped) {
                    data.read(diskOffset(packed, offset), buffer, 0, bytes);
                }
                data.write(diskOffset(target, offset), buffer, 0, bytes);
            }
        } catch (StorageException e) {
            metadata.unreserveDataBlock(dataBlock);
            throw e;
        } finally {
            buffer.release();
        }
        metadata.insert(catalogId, virtualBlock, dataBlock);
        return metadata.lookup(catalogId, virtualBlock);
    }

    private boolean isExclusive(long packed) throws StorageException {
        return Mapping.time(packed) >= metadata.details(catalogId).snapshottedTime();
    }

    /** Bytes that are read at once: the slot, or the sector it is in where that is larger. */
    private int windowBytes() {
        return Math.max(alignmentBytes, CatalogSlot.SLOT_BYTES);
    }

    private long windowInBlock(int id) {
        return slotInBlock(id) & -(long) windowBytes();
    }

    private long slotInBlock(int id) {
        return (long) id * CatalogSlot.SLOT_BYTES % metadata.blockBytes();
    }

    private long blockOf(int id) {
        return (long) id * CatalogSlot.SLOT_BYTES / metadata.blockBytes();
    }

    private long diskOffset(long packed, long offsetInBlock) {
        return Mapping.dataBlock(packed) * metadata.blockBytes() + offsetInBlock;
    }
}
