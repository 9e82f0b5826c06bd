package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.NodeLayout;
import dev.gossamer.pdata.btree.WayDown;

/**
 * Room before work: whether a change of metadata finds the blocks that it takes, asked before it is begun (rules S-3,
 * S-4). Half way there is only the abort of the whole transaction, with what others have in it.
 *
 * <p>A change takes copies of the nodes on its way, once in a transaction; halves of nodes that are full; and, where a
 * node has several parents, one more reference to all that is in it. What it leaves must do for the commit: a copy of
 * each bitmap that counts metadata, of their index, and of the ways to changed records and bitmaps of data. Both are
 * upper bounds, by the heights of the trees and by what is on the way now.
 *
 * <p>Writes leave the reserve alone, so that trims and deletions, which may take from it, can make room. Blocks come
 * back with a commit. Numbers of metadata blocks. Worker's thread; may wait for I/O.
 */
public final class MetadataRoom {
    private static final long LOW_WATER_BLOCKS = 1024;

    /** Blocks kept back so that trims, deletions and commits still work: rule S-3, min(16 MiB, a tenth). */
    private static final long RESERVE = 4096;

    /** A tenth of a tiny device is less than a commit and a deletion take. */
    private static final long MIN_RESERVE = 10;

    /** What writes leave for a deletion or a trim, however small the device. */
    private static final long FOR_REMOVAL = 4;

    /** What about the simplest write takes. */
    private static final long SIMPLE_WRITE = 8;

    /** What a block in preparation takes besides its way, which others take as well: a leaf, and its other half. */
    private static final long PREPARATION = 2;

    /** Entries of a node that is no root, at least: a third. */
    private static final int MIN_ENTRIES = NodeLayout.maxEntriesFor(Long.BYTES) / 3;

    private static final int MAX_ENTRIES = NodeLayout.maxEntriesFor(Long.BYTES);

    private final LoadedPool pool;
    private final WayDown way;
    private final ExactCosts exact;
    private final MetadataSnapshot snapshot;

    MetadataRoom(LoadedPool pool, DeviceLife life, MetadataSnapshot snapshot) {
        this.pool = pool;
        this.snapshot = snapshot;
        way = pool.mappings.wayDown();
        exact = new ExactCosts(pool, life);
    }

    /** What is kept back from writes on a device of so many blocks (S-3). */
    static long reserve(long blocks) {
        return Math.min(RESERVE, Math.max(MIN_RESERVE, blocks / 10));
    }

    /** Free metadata blocks at which the owner should know: min(4 MiB, a quarter of the device) (W-2). */
    public long lowWaterBlocks() {
        return Math.min(LOW_WATER_BLOCKS, pool.metadataMap.blocks() / 4);
    }

    /** Blocks that changes may take now, and still be committed. */
    public long left() throws StorageException {
        return pool.metadataMap.free() - commitCost();
    }

    /** Blocks that writes may take now. */
    public long leftForWrites() throws StorageException {
        long tenth = Math.min(RESERVE, pool.metadataMap.blocks() / 10);
        return pool.metadataMap.free() - Math.max(commitCost() + FOR_REMOVAL, tenth);
    }

    /** Whether hardly any write finds room now. */
    public boolean isUsedUp() throws StorageException {
        return leftForWrites() < SIMPLE_WRITE;
    }

    /** Data blocks that are set aside now: there will be mappings to them. */
    public int preparations() {
        return pool.dataMap.reserved();
    }

    /** Whether a block can be mapped now, and all those that are in preparation: they come first. */
    public boolean hasForPreparation(int id, long virtualBlock) throws StorageException {
        return hasForInsert(id, virtualBlock, leftForWrites() - PREPARATION * preparations());
    }

    /** Whether a block that is prepared can be mapped now without the reserve. */
    public boolean hasForInsert(int id, long virtualBlock) throws StorageException {
        return hasForInsert(id, virtualBlock, leftForWrites());
    }

    /** Whether a block that is prepared can be mapped now at all. */
    public boolean hasForLastInsert(int id, long virtualBlock) throws StorageException {
        return hasForInsert(id, virtualBlock, left());
    }

    private boolean hasForInsert(int id, long virtualBlock, long left) throws StorageException {
        return insertBound(id, virtualBlock) <= left || insertCost(id, virtualBlock) <= left;
    }

    /** Whether blocks {@code [from, to)} can be unmapped now. */
    public boolean hasForRemoval(int id, long from, long to) throws StorageException {
        long left = left();
        return removalBound(id, from, to - from) <= left || removalCost(id, from, to) <= left;
    }

    /** Whether a step of that many mappings of a retired device can be reclaimed now. */
    public boolean hasForReclaim(int id, int mappings) throws StorageException {
        long left = left();
        return removalBound(id, 0, mappings) + deletionBound(id, mappings) <= left || reclaimCost(id, mappings) <= left;
    }

    /** Whether a device can be deleted now, by being retired if not at once. */
    public boolean hasForDeletion(int id) throws StorageException {
        long left = left();
        return deletionBound(id, 0) <= left || retirementCost(id) <= left;
    }

    /** Whether a device that {@link DeviceLife#isDeletedAtOnce} can be now. */
    public boolean hasForDeletionAtOnce(int id, int fewMappings) throws StorageException {
        long left = left();
        return deletionBound(id, fewMappings) <= left || deletionCost(id) <= left;
    }

    /** Whether a message can be carried out now that makes, or records something of, so many devices. */
    public boolean hasForMessage(int devices) throws StorageException {
        return messageCost(devices) <= leftForWrites();
    }

    /** Whether the metadata snapshot can be let go of now, with so few mappings that only it has. */
    public boolean hasForRelease(int fewMappings) throws StorageException {
        return releaseCost(fewMappings) <= left();
    }

    /** Whether a tree of the metadata snapshot can be kept now. */
    public boolean hasForKeeping() throws StorageException {
        return keepCost() <= left();
    }

    /** Whether so many blocks of a device, from one on, can be given other mappings now, without the reserve. */
    public boolean hasForSharing(int id, long from, long blocks) throws StorageException {
        return sharingCost(id, from, blocks) <= leftForWrites();
    }

    /** What changing the records of so many devices takes in the commit. */
    public long recordsCost(int devices) throws StorageException {
        return pool.devices.changeCost(devices);
    }

    /** Whether so many metadata blocks can be had now, without the reserve. */
    public boolean has(long blocks) throws StorageException {
        return blocks <= leftForWrites();
    }

    // ---- upper bounds ----------------------------------------------------------------------------------------------

    /** What a commit takes that begins now. */
    public long commitCost() throws StorageException {
        long marked = pool.catalogToMark >= 0 ? 1 : 0;
        return pool.metadataMap.commitCost() + pool.dataMap.commitCost() + pool.devices.flushCost(marked);
    }

    /** What {@link PoolMetadata#insert} takes, with its part of the commit. */
    public long insertCost(int id, long virtualBlock) throws StorageException {
        return exact.insert(id, virtualBlock);
    }

    /** The same, quickly: by sizes. */
    long insertBound(int id, long virtualBlock) throws StorageException {
        way.look(pool.mappingRoot, id, virtualBlock);
        long counts = way.values() + (way.isMapped() ? 2 : 1);
        long high = way.isShared() ? counts : way.isMapped() ? 1 : 0;
        int nodes = way.upperNodes() + way.lowerNodes();
        return nodes
                + way.splits()
                // A neighbour takes entries instead of a split: the same number.
                + pool.dataMap.changeCost(counts, high)
                + pool.metadataMap.overflowCost(way.isShared() ? way.children() + nodes : 0)
                + pool.devices.changeCost(1);
    }

    /** What {@link PoolMetadata#removeRange} takes, with its part of the commit. */
    public long removalCost(int id, long from, long to) throws StorageException {
        return exact.removal(id, from, to, to - from);
    }

    /** What {@link PoolMetadata#removeRange} takes for one mapping. */
    public long removalCost(BlockMoves.Owner owner) throws StorageException {
        return removalCost(owner.deviceId(), owner.virtualBlock(), owner.virtualBlock() + 1);
    }

    /** The same, quickly: by sizes. */
    long removalBound(int id, long from, long blocks) throws StorageException {
        way.look(pool.mappingRoot, id, from);
        long leaves = Math.min(blocks, blocks / MIN_ENTRIES) + 3;
        long inner = way.upperNodes() + (leaves / MIN_ENTRIES + 3) * Math.max(0, way.lowerNodes() - 1);
        long nodes = way.lowerNodes() <= 1 ? way.upperNodes() + 1 : inner + leaves;
        boolean shared = maybeShared();
        long counts = blocks + (shared ? leaves * MAX_ENTRIES : 0);
        return nodes
                + pool.dataMap.changeCost(counts, shared ? counts : 0)
                + pool.metadataMap.overflowCost(shared ? inner * MAX_ENTRIES + nodes : 0)
                + pool.devices.changeCost(1);
    }

    /** What {@link BlockSharing#put} takes for so many blocks, with its part of the commit. */
    public long sharingCost(int id, long from, long blocks) throws StorageException {
        way.look(pool.mappingRoot, id, from);
        long present = Math.min(blocks, blocks / MIN_ENTRIES) + 3;
        long added = 2 * (blocks / MIN_ENTRIES + 1);
        long inner = way.upperNodes() + ((present + added) / MIN_ENTRIES + 3) * Math.max(1, way.lowerNodes()) + 2;
        boolean shared = maybeShared();
        long counts = 2 * blocks + (shared ? present * MAX_ENTRIES : 0);
        return inner
                + present
                + added
                + pool.dataMap.changeCost(counts, counts)
                + pool.metadataMap.overflowCost(shared ? inner * MAX_ENTRIES : 0)
                + pool.devices.changeCost(2);
    }

    /** What a step of {@link DeviceLife#reclaim} takes, with its part of the commit. */
    public long reclaimCost(int id, int mappings) throws StorageException {
        return exact.reclaim(id, mappings);
    }

    /** What deleting a device with so few mappings takes, or retiring one, quickly: by sizes. */
    long deletionBound(int id, int fewMappings) throws StorageException {
        way.look(pool.mappingRoot, id, 0);
        boolean shared = maybeShared();
        return pool.mappings.upperCost(pool.mappingRoot, 2)
                + pool.dataMap.removalCost(fewMappings, shared ? fewMappings : 0)
                + pool.metadataMap.overflowCost(shared ? upperChildren() : 0)
                + pool.metadataMap.overflowRemovalCost(shared ? fewMappings : 0)
                + pool.devices.removalCost()
                + pool.devices.changeCost(2);
    }

    /** What deleting a device at once takes, with its part of the commit. */
    public long deletionCost(int id) throws StorageException {
        return exact.deletion(id);
    }

    /** What retiring a device takes, with its part of the commit. */
    public long retirementCost(int id) throws StorageException {
        return exact.retirement(id);
    }

    /** What one step of {@link MetadataSnapshot#keepNext} takes, with its part of the commit. */
    public long keepCost() throws StorageException {
        return exact.keep();
    }

    /** What {@link MetadataSnapshot#release} takes, with its part of the commit. */
    public long releaseCost(int fewMappings) throws StorageException {
        return snapshot.releaseCost(fewMappings);
    }

    /** What a message takes that makes, or records something of, so many devices, with its part of the commit. */
    public long messageCost(int devices) throws StorageException {
        way.look(pool.mappingRoot, DeviceDetails.MAX_DEVICES - 1, 0);
        boolean shared = maybeShared();
        // Each has a root, a place in the upper tree and a slot in the catalog, which is made if there is none.
        long each = devices + 1L;
        long slots = (long) way.lowerNodes() * 2 * devices + way.splits();
        long counts = each + (shared ? MAX_ENTRIES : 0);
        return each
                + slots
                + pool.mappings.upperCost(pool.mappingRoot, 2 * each)
                + pool.dataMap.changeCost(counts, shared ? counts : 0)
                + pool.metadataMap.overflowCost(shared ? upperChildren() + 4 * each : 0)
                + pool.devices.changeCost(2 * each + 1);
    }

    /** Roots of devices whose counts change when the way to one of them is changed. */
    private long upperChildren() {
        return pool.heldRoot == 0 ? 2L * way.upperNodes() : 3L * way.upperNodes() * MAX_ENTRIES;
    }

    /** Whether nodes may have several parents: there was a snapshot once, or there is one of the metadata. */
    private boolean maybeShared() {
        return pool.time != 0 || pool.heldRoot != 0;
    }
}
