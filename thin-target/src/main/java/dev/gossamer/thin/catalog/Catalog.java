package dev.gossamer.thin.catalog;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.DeviceLife;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The hidden thin device that names the others: one {@link CatalogSlot} per device id.
 *
 * <p>It is known by its record in the metadata, which says {@link DeviceDetails#isCatalog}, and by nothing that is
 * inside a device: there, a guest can write whatever it likes. Version 0.1.0 made a catalog without that mark, under
 * the id {@link #PREFERRED_ID}. A device that looks like one is believed if the superblock says that this program has
 * written the pool, and not that catalogs are marked since; where the superblock says neither, whoever opens the pool
 * has to say which it is ({@link UnmarkedCatalog}). What is believed is marked with the next transaction.
 *
 * <p>A catalog that there is and that cannot be read is not the same as none: nothing is written then, no second one is
 * made, and volumes are not shown under other names.
 *
 * <p>Its mappings are part of the pool's transaction like any volume's. Slots are written in place, but are in force
 * only with the commit of the transaction they were written in ({@link SlotHalves}), and if the device they speak of
 * exists. So creating, snapshotting, renaming, resizing, rolling back and deleting a volume are atomic with the commit.
 * Callers commit after {@link #put}; the commit's data flush makes the slot stable.
 *
 * <p>Worker's thread; waits for its I/O.
 */
public final class Catalog {
    /** The catalog's device id, unless a volume of an adopted pool has it already. */
    public static final int PREFERRED_ID = 0xFFFFFF;

    /** Where the owner slot is in the catalog: behind the slot of the highest id (OP-11). */
    public static final long OWNER_OFFSET_BYTES = (PREFERRED_ID + 1L) * CatalogSlot.SLOT_BYTES;

    /** What is kept for it: the smallest data block, so that it never lies in two. */
    public static final int OWNER_BYTES = 64 << 10;

    /** Blocks are filled in pieces of at most this. */
    private static final int SLICE_BYTES = 1 << 20;

    private static final int NONE = -1;

    private final PoolMetadata metadata;
    private final BlockingIo data;
    private final int alignmentBytes;
    // Found when the pool was opened: as many as the transactions that were cut short had changed.
    private final TreeSet<Integer> orphans = new TreeSet<>();
    private int catalogId = NONE;
    // There is a catalog, or may be one, that cannot be found for damage; null: there is none, or it is found.
    private String unreadable;

    private Catalog(PoolMetadata metadata, BlockingIo data) {
        this.metadata = metadata;
        this.data = data;
        this.alignmentBytes = data.device().geometry().alignmentBytes();
    }

    /**
     * Finds the pool's catalog: the highest device that is marked as one. A pool without one is fine.
     *
     * @param choice about a device that looks like the catalog of version 0.1.0
     * @throws StorageException EINVAL if that has to be decided first
     */
    public static Catalog open(PoolMetadata metadata, BlockingIo data, UnmarkedCatalog choice) throws StorageException {
        Catalog catalog = new Catalog(metadata, data);
        List<Integer> ids = metadata.deviceIds();
        for (int i = ids.size() - 1; i >= 0 && catalog.catalogId == NONE; i--) {
            try {
                if (metadata.details(ids.get(i)).isCatalog()) {
                    catalog.catalogId = ids.get(i);
                }
            } catch (MetadataCorrupt e) {
                // If no other is marked, it may be this one.
                catalog.unreadable = catalog.mayBe(ids.get(i), choice) ? e.getMessage() : catalog.unreadable;
            }
        }
        if (catalog.catalogId != NONE) {
            catalog.unreadable = null;
        } else if (catalog.unreadable == null && ids.contains(PREFERRED_ID)) {
            catalog.considerUnmarked(choice);
        }
        if (catalog.unreadable == null) {
            metadata.life().noteCatalog(catalog.catalogId);
        } else if (!metadata.life().isCatalogMarked()) {
            catalog.unreadable += "; if another program made this pool, put 'unmarked-catalog: ignore' into pool.yaml";
        }
        return catalog;
    }

    /** Whether a device whose record cannot be read may be the catalog: then nobody knows the names of volumes. */
    private boolean mayBe(int id, UnmarkedCatalog choice) throws StorageException {
        int noted = metadata.life().notedCatalog();
        if (noted != DeviceLife.NOT_SAID) {
            return noted == id;
        }
        return choice != UnmarkedCatalog.IGNORE
                && (id == PREFERRED_ID || metadata.life().wasWrittenHere());
    }

    /** There is no marked catalog, and a device that may be one from before catalogs were marked. */
    private void considerUnmarked(UnmarkedCatalog choice) throws StorageException {
        if (metadata.life().isCatalogMarked() || choice == UnmarkedCatalog.IGNORE) {
            return; // whatever its record says, or does not
        }
        DeviceDetails details = metadata.details(PREFERRED_ID);
        if (details.isRetired()) {
            return;
        }
        boolean known = metadata.life().wasWrittenHere() || choice == UnmarkedCatalog.TAKE;
        try {
            SlotHalves own = read(PREFERRED_ID, PREFERRED_ID);
            CatalogSlot slot = own == null ? null : own.inForce(details, 0);
            if (slot == null || !slot.catalogItself()) {
                return;
            }
        } catch (MetadataCorrupt e) {
            unreadable = e.getMessage();
            return;
        }
        if (!known) {
            throw new StorageException(
                    Errno.EINVAL,
                    "thin device " + PREFERRED_ID + " looks like the list of names that version 0.1.0 kept, and the"
                            + " metadata do not say whether it is; if that version made this pool, put"
                            + " 'unmarked-catalog: take' into pool.yaml, else 'unmarked-catalog: ignore'");
        }
        catalogId = PREFERRED_ID;
        if (damage() == null) {
            metadata.life().markCatalogLater(PREFERRED_ID);
        }
    }

    /**
     * Why nobody can tell what the catalog says, or where it is; null: that is known, or there is none. What is known
     * to be damaged may have another's blocks: it is neither believed nor written to.
     */
    public String damage() {
        return unreadable != null || catalogId == NONE ? unreadable : metadata.damageOf(catalogId);
    }

    /** Refuses a change of a catalog that there is, but that cannot be read: a second one would hide all names. */
    private void checkReadable() throws MetadataCorrupt {
        if (damage() != null) {
            throw new MetadataCorrupt("the pool's catalog cannot be read (" + damage()
                    + "); close the pool and run thin_check, then thin_repair, on its metadata");
        }
    }

    /** The device that is the catalog, or -1. */
    public int deviceId() {
        return catalogId;
    }

    /** Where the owner slot is on the data device; -1 if there is none that could be written in place. */
    public long ownerOffset() throws StorageException {
        if (damage() != null) {
            return -1;
        }
        long packed = catalogId == NONE ? Mapping.NONE : metadata.lookup(catalogId, ownerBlock());
        return packed != Mapping.NONE && isExclusive(packed) ? ownerOffset(Mapping.dataBlock(packed)) : -1;
    }

    /** Where it will be once it has this data block. */
    public long ownerOffset(long dataBlock) {
        return dataBlock * metadata.blockBytes() + OWNER_OFFSET_BYTES % metadata.blockBytes();
    }

    /**
     * Gives the owner slot, which has been written already, its data block: the one that is reserved first in a pool
     * just opened. Makes the catalog first if the pool has none. The caller commits.
     *
     * @param offsetBytes {@link #ownerOffset(long)} of that block
     * @throws StorageException if another block comes first: then the pool is not what it was when the slot was written
     */
    public void mapOwnerBlock(long offsetBytes) throws StorageException {
        checkReadable();
        long dataBlock = metadata.reserveDataBlock();
        if (ownerOffset(dataBlock) != offsetBytes) {
            metadata.unreserveDataBlock(dataBlock);
            throw new StorageException(
                    Errno.EBUSY, data.device() + ": the pool was changed while it was being opened; start again");
        }
        boolean first = catalogId == NONE;
        long present = first ? Mapping.NONE : metadata.lookup(catalogId, ownerBlock());
        if (first) {
            makeDevice();
        }
        // With blocks of an odd size, slots of the highest ids come before it.
        fill(dataBlock, present, OWNER_OFFSET_BYTES % metadata.blockBytes());
        metadata.insert(catalogId, ownerBlock(), dataBlock);
        if (first) {
            writeOwnSlot();
        }
    }

    private long ownerBlock() {
        return OWNER_OFFSET_BYTES / metadata.blockBytes();
    }

    /** Reads what the catalog says of existing devices. To be closed; the catalog must not be changed before. */
    public CatalogScan scan() throws StorageException {
        String damage = damage();
        return new CatalogScan(
                catalogId == NONE ? null : this::dataBlock,
                metadata.blockBytes(),
                data,
                damage,
                damage == null ? generation(details()) : 0,
                orphans);
    }

    private long dataBlock(long block) throws StorageException {
        long packed = metadata.lookup(catalogId, block);
        return packed == Mapping.NONE ? -1 : Mapping.dataBlock(packed);
    }

    /**
     * Writes a device's slot, over the older of its halves. Makes the catalog first if the pool has none.
     *
     * @return the slot as written
     */
    public CatalogSlot put(CatalogSlot slot) throws StorageException {
        checkReadable();
        if (catalogId == NONE) {
            create();
        }
        removeOrphans();
        return write(slot, nextGeneration());
    }

    /** Data blocks that {@link #put} would take for the slots of these devices together. */
    public int blocksNeeded(List<Integer> ids) throws StorageException {
        checkReadable();
        Set<Long> blocks = new HashSet<>();
        for (int id : ids) {
            long block = blockOf(id);
            long packed = catalogId == NONE ? Mapping.NONE : metadata.lookup(catalogId, block);
            if (packed == Mapping.NONE || !isExclusive(packed)) {
                blocks.add(block);
            }
        }
        if (catalogId == NONE) {
            blocks.add(blockOf(PREFERRED_ID));
        }
        return blocks.size();
    }

    /**
     * Makes the blocks that {@link #put} would take for the slots of these devices, as part of the running transaction:
     * afterwards slots are written in place, and cannot fail for want of space, whosever it is.
     *
     * @throws StorageException ENOSPC if there is no room below the data device; nothing has been changed then
     */
    public void prepare(List<Integer> ids) throws StorageException {
        if (catalogId == NONE) {
            create();
        }
        for (int id : ids) {
            writableBlock(blockOf(id));
        }
    }

    /** Marks the slot of a device that was deleted, so that it can never speak of a later one. After the commit. */
    public void erase(CatalogSlot slot) throws StorageException {
        write(slot.asDeleted(), generation(details()));
    }

    private void create() throws StorageException {
        makeDevice();
        try {
            writableBlock(blockOf(catalogId));
        } catch (StorageException e) {
            // Refused before anything was mapped: no catalog is better than one without contents.
            metadata.life().deleteDevice(catalogId);
            metadata.life().noteCatalog(DeviceLife.NO_CATALOG);
            catalogId = NONE;
            throw e;
        }
        writeOwnSlot();
    }

    private void makeDevice() throws StorageException {
        checkReadable();
        int id = PREFERRED_ID;
        while (!metadata.life().isFreeId(id)) {
            id--;
        }
        metadata.life().createDevice(id);
        metadata.life().noteCatalog(id);
        catalogId = id;
    }

    private void writeOwnSlot() throws StorageException {
        int id = catalogId;
        int generation = nextGeneration();
        DeviceDetails details = metadata.details(id);
        CatalogSlot own = new CatalogSlot(
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
                VolumeLimits.NONE,
                IoRates.NONE);
        write(own, generation);
    }

    private DeviceDetails details() throws StorageException {
        return catalogId == NONE ? null : metadata.details(catalogId);
    }

    /** A catalog that is not marked yet has none. */
    private static int generation(DeviceDetails catalog) {
        return catalog != null && catalog.isCatalog() ? catalog.catalogGeneration() : 0;
    }

    /** Lets the generation grow, as part of the running transaction; the first time, that marks the catalog as one. */
    private int nextGeneration() throws StorageException {
        int next = generation(details()) + 1;
        if (next == 0) {
            throw new StorageException(Errno.ENOSPC, "the catalog has changed 2^32 times; copy the pool to a new one");
        }
        metadata.life().stampCatalog(catalogId, next);
        return next;
    }

    /**
     * Overwrites halves that no commit has made true, before the generation that they were written for can come again.
     */
    private void removeOrphans() throws StorageException {
        while (!orphans.isEmpty()) {
            int id = orphans.getFirst();
            DeviceDetails device = metadata.committedDetails(id);
            if (device != null) {
                int generation = generation(metadata.committedDetails(catalogId));
                removeOrphan(id, 0, device, generation);
                removeOrphan(id, CatalogSlot.HALF_BYTES, device, generation);
            }
            orphans.remove(id);
        }
    }

    private void removeOrphan(int id, int halfOffset, DeviceDetails device, int generation) throws StorageException {
        change(id, (window, at) -> {
            int half = at + halfOffset;
            if (SlotHalves.isOrphan(CatalogSlot.decode(window, half, id), device, generation)) {
                window.put(half, new byte[CatalogSlot.HALF_BYTES]);
            }
            return half;
        });
    }

    /** The slot that one device, as the catalog, has for another; null if there is none. */
    private SlotHalves read(int device, int id) throws StorageException {
        long packed = metadata.lookup(device, blockOf(id));
        if (packed == Mapping.NONE) {
            return null;
        }
        int windowBytes = windowBytes();
        long window = windowInBlock(id);
        IoBuffer buffer = data.loop().buffers().acquire(windowBytes);
        try {
            data.read(diskOffset(packed, window), buffer, 0, windowBytes);
            return SlotHalves.decode(buffer.bytes(), (int) (slotInBlock(id) - window), id);
        } finally {
            buffer.release();
        }
    }

    private CatalogSlot write(CatalogSlot slot, int generation) throws StorageException {
        DeviceDetails committed = metadata.committedDetails(slot.id());
        int committedGeneration = generation(metadata.committedDetails(catalogId));
        CatalogSlot[] written = new CatalogSlot[1];
        change(slot.id(), (window, at) -> {
            long sequence = SlotHalves.decode(window, at, slot.id()).nextSequence(committed, committedGeneration);
            int half = at + (int) (sequence & 1) * CatalogSlot.HALF_BYTES;
            written[0] = slot.asWritten(sequence, generation);
            written[0].encode(window, half);
            return half;
        });
        return written[0];
    }

    /** Changes one half of a slot, and says where it is. */
    private interface HalfChange {
        /** @param at where the slot begins */
        int apply(ByteBuffer window, int at);
    }

    private void change(int id, HalfChange change) throws StorageException {
        long packed = writableBlock(blockOf(id));
        int windowBytes = windowBytes();
        long window = windowInBlock(id);
        IoBuffer buffer = data.loop().buffers().acquire(windowBytes);
        try {
            data.read(diskOffset(packed, window), buffer, 0, windowBytes);
            int half = change.apply(buffer.bytes(), (int) (slotInBlock(id) - window));
            // Only the sector with this half goes out, so that a torn write cannot reach the other one.
            int from = half & -alignmentBytes;
            int bytes = Math.max(alignmentBytes, CatalogSlot.HALF_BYTES);
            data.write(diskOffset(packed, window + from), buffer, from, bytes);
        } finally {
            buffer.release();
        }
    }

    /** The mapping of a catalog block that may be written in place: provisions it, or breaks its sharing, first. */
    private long writableBlock(long virtualBlock) throws StorageException {
        checkReadable();
        long packed = metadata.lookup(catalogId, virtualBlock);
        boolean mapped = packed != Mapping.NONE;
        if (mapped && isExclusive(packed)) {
            return packed;
        }
        if (!metadata.room().hasForLastInsert(catalogId, virtualBlock)) {
            throw new StorageException(Errno.ENOSPC, "there is no metadata left for the catalog");
        }
        long dataBlock = metadata.reserveDataBlock();
        fill(dataBlock, packed, metadata.blockBytes());
        metadata.insert(catalogId, virtualBlock, dataBlock);
        return metadata.lookup(catalogId, virtualBlock);
    }

    /** Gives a reserved data block's first bytes the contents of a mapped block, or zeros. */
    private void fill(long dataBlock, long packedSource, long lengthBytes) throws StorageException {
        int sliceBytes = Math.min(SLICE_BYTES, metadata.blockBytes());
        IoBuffer buffer = data.loop().buffers().acquire(sliceBytes);
        try {
            buffer.zero(0, sliceBytes);
            long target = Mapping.pack(dataBlock, 0);
            for (long offset = 0; offset < lengthBytes; offset += sliceBytes) {
                int bytes = (int) Math.min(sliceBytes, lengthBytes - offset);
                if (packedSource != Mapping.NONE) {
                    data.read(diskOffset(packedSource, offset), buffer, 0, bytes);
                }
                data.write(diskOffset(target, offset), buffer, 0, bytes);
            }
        } catch (StorageException e) {
            metadata.unreserveDataBlock(dataBlock);
            throw e;
        } finally {
            buffer.release();
        }
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
