package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.block.TransactionWriter;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ExclusiveEntries;
import dev.gossamer.pdata.btree.MissingNodes;
import dev.gossamer.pdata.btree.TreeDifference;
import dev.gossamer.pdata.spacemap.FreedBlocks;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import java.util.List;

/**
 * A pool's metadata: which devices there are, and which data block stands behind each of their blocks.
 *
 * <p>Changes collect in a transaction. {@link #freeze} ends it, {@link #writer} makes it the pool's state, while the
 * next one goes on; {@link #abort} forgets both. After any {@link StorageException} of a changing method the
 * transaction may be half changed: abort it.
 *
 * <p>Worker's thread; waits for its I/O, but for that of {@link #writer}.
 */
public final class PoolMetadata implements AutoCloseable {
    /** Metadata blocks in memory, at most: 16 MiB, the tree above some millions of mappings. */
    public static final int CACHE_BLOCKS = 4096;

    private final String deviceName;
    private final BlockDevice data;
    private BlockManager blocks;
    private LoadedPool pool;
    private DeviceLife life;
    private MetadataRoom room;
    private BlockReferences references;
    private MetadataSnapshot snapshot;
    private MappingChanges changes;
    private final OwnCounts own = new OwnCounts();
    private SurveyFindings findings = SurveyFindings.NONE;
    // Of the transaction being written.
    private Superblock frozen;
    private boolean readable = true;
    private Runnable whenNoneIsReserved = () -> {};
    private final long[] word = new long[1];

    private PoolMetadata(BlockingIo device, BlockDevice data) {
        this.deviceName = device.device().toString();
        this.data = data;
    }

    /** As the other, where nothing is known. */
    public static PoolMetadata open(BlockingIo device, BlockDevice data, int cacheBlocks) throws StorageException {
        return open(device, data, cacheBlocks, SurveyFindings.NONE);
    }

    /**
     * Opens a pool; writes nothing.
     *
     * @param data the pool's data device, for its size
     * @param cacheBlocks metadata blocks to keep in memory; at least 64
     * @param known {@link #findings} of an earlier look, so that the same metadata is not gone through again
     * @throws StorageException if the device holds no pool that can be used; the message says why
     */
    public static PoolMetadata open(BlockingIo device, BlockDevice data, int cacheBlocks, SurveyFindings known)
            throws StorageException {
        PoolMetadata pool = new PoolMetadata(device, data);
        long metadataBlocks = DeviceSizes.usableMetadataBlocks(device.device());
        if (metadataBlocks == 0 || Superblock.isUnformatted(device)) {
            throw new StorageException(
                    Errno.EINVAL, pool.deviceName + ": no thin-pool metadata there; give the pool's metadata device");
        }
        pool.blocks = new BlockManager(device, metadataBlocks, cacheBlocks);
        try {
            pool.load();
            pool.findings = PoolSurvey.ifForeign(pool.pool, device, known);
            pool.findings.usedThoughFree().forEach(pool.pool.dataMap::setAside);
            return pool;
        } catch (StorageException | RuntimeException | Error e) {
            pool.blocks.close();
            throw e;
        }
    }

    @Override
    public void close() {
        blocks.close();
    }

    /** Metadata blocks looked at since the pool was opened, cached or not. */
    public long blockVisits() {
        return blocks.visits();
    }

    /** Size of a data block in bytes. */
    public int blockBytes() {
        return pool.committed.dataBlockSectors() * Superblock.SECTOR_BYTES;
    }

    public long dataBlocks() {
        return pool.dataMap.blocks();
    }

    public long dataBlocksUsed() {
        return pool.dataMap.allocated();
    }

    /** Data blocks that can be allocated now. */
    public long dataBlocksFree() {
        return pool.dataMap.free();
    }

    /** As {@link #dataBlocksFree}, with those that a commit, or the end of requests under way, makes allocatable. */
    public long dataBlocksUnused() {
        return pool.dataMap.unused();
    }

    public long metadataBlocks() {
        return pool.metadataMap.blocks();
    }

    public long metadataBlocksUsed() {
        return pool.metadataMap.allocated();
    }

    /** Metadata blocks that can be allocated now, without the reserve (ST-2). */
    public long metadataBlocksFree() {
        return Math.max(0, pool.metadataMap.free() - MetadataRoom.reserve(metadataBlocks()));
    }

    /** As {@link #metadataBlocksFree}, with those that come back when all that was changed is committed. */
    public long metadataBlocksFreeOnceCommitted() {
        return Math.max(0, metadataBlocks() - metadataBlocksUsed() - MetadataRoom.reserve(metadataBlocks()));
    }

    /** Whether free metadata is down to the reserve, so that nothing may be begun that needs more. */
    public boolean isNearlyFull() {
        return metadataBlocksFree() == 0;
    }

    /** Whether there is room for a change; of this state of the pool, until an {@link #abort}. */
    public MetadataRoom room() {
        return room;
    }

    /** Snapshots ever taken; the time of mappings that are inserted now. */
    public int time() {
        return pool.time;
    }

    /** The user's number; uncommitted changes included. */
    public long transactionId() {
        return pool.transactionId;
    }

    /** Block of the metadata snapshot, 0 = none; uncommitted changes included. */
    public long heldRoot() {
        return pool.heldRoot;
    }

    /** An earlier failure left the metadata to be checked; it must not be changed until then. */
    public boolean needsCheck() {
        return pool.committed.needsCheck();
    }

    /** What is wrong with metadata that all devices share, so that it must not be changed; null: nothing was met. */
    public String damage() {
        String found = pool.devices.damage();
        return found == null ? findings.damage() : found;
    }

    /**
     * What is wrong with a device in metadata that another program wrote last, so that nothing of it can be believed;
     * null: nothing is known to be.
     */
    public String damageOf(int id) {
        return findings.damageOf(id);
    }

    /** What was found when the pool was opened. */
    public SurveyFindings findings() {
        return findings;
    }

    /** Ids of all devices, ascending; up to the first {@link #damage} if there is any. */
    public List<Integer> deviceIds() throws StorageException {
        return pool.devices.ids();
    }

    /** A device's record, changes of this transaction included; null if there is no such device. */
    public DeviceDetails details(int id) throws StorageException {
        return pool.devices.get(id);
    }

    /** A device's record as of the last commit; null if there was no such device. */
    public DeviceDetails committedDetails(int id) throws StorageException {
        return pool.devices.get(pool.committed.detailsRoot(), id);
    }

    /** As {@link #details}, but null as well if the metadata cannot be read. */
    public DeviceDetails detailsIfReadable(int id) {
        try {
            return readable ? details(id) : null;
        } catch (StorageException e) {
            return null;
        }
    }

    /** The packed {@link Mapping} of a block, or {@link Mapping#NONE}. */
    public long lookup(int id, long virtualBlock) throws StorageException {
        return pool.mappings.lookup(pool.mappingRoot, id, virtualBlock, word) ? word[0] : Mapping.NONE;
    }

    /** Walks a device's mappings from a block upwards; values are packed {@link Mapping}s. */
    public BTreeCursor cursor(int id, long fromVirtualBlock) throws StorageException {
        return pool.mappings.cursor(pool.mappingRoot, id, fromVirtualBlock);
    }

    /** Finds what a {@link #cursor} would wait for up to a block. */
    public void findMissing(MissingNodes missing, int id, long fromBlock, long toBlock) throws StorageException {
        pool.mappings.findMissing(missing, pool.mappingRoot, id, fromBlock, toBlock);
    }

    /** As {@link #cursor}, for a device that must exist, with exact knowledge of what is shared. */
    public MappingWalk walk(int id, long fromVirtualBlock) throws StorageException {
        int snapshottedTime = pool.devices.existing(id).snapshottedTime();
        boolean deviceShared = pool.mappings.isUpperPathShared(pool.mappingRoot, id);
        return new MappingWalk(cursor(id, fromVirtualBlock), pool.dataMap, snapshottedTime, deviceShared);
    }

    /**
     * Whether a mapped block of a device may be written in place although its mapping is older than the device's last
     * snapshot: nobody else sees the data block, now or after a crash ({@link ExclusiveCheck}).
     */
    public boolean isExclusive(int id, long virtualBlock) throws StorageException {
        return pool.isExclusive(id, virtualBlock, frozen != null);
    }

    /**
     * Compares the mappings of two devices that must exist: a block differs if only one of them has it mapped, or each
     * to another data block. See {@link TreeDifference#compare} for limits, and for how long the answer is good.
     */
    public TreeDifference compare(int id, int otherId, long fromBlock, long toBlock, int maxRanges, int maxNodes)
            throws StorageException {
        pool.devices.existing(id);
        pool.devices.existing(otherId);
        long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
        long otherRoot = pool.mappings.subtreeRoot(pool.mappingRoot, otherId);
        pool.difference.compare(root, otherRoot, fromBlock, toBlock, maxRanges, maxNodes);
        return pool.difference;
    }

    /** For {@link #startExclusiveEntries}. */
    public ExclusiveEntries exclusiveEntries() {
        return new ExclusiveEntries(pool.mappings.subtrees());
    }

    /**
     * Starts going through those mappings of a device that are in no other device's tree, nor in a metadata snapshot's.
     * Their data blocks may still be shared: {@link #isDataBlockShared}.
     */
    public void startExclusiveEntries(ExclusiveEntries entries, int id, long fromBlock) throws StorageException {
        boolean held = pool.mappings.isUpperPathShared(pool.mappingRoot, id);
        entries.start(held ? BTree.NO_TREE : pool.mappings.subtreeRoot(pool.mappingRoot, id), fromBlock);
    }

    /** Whether leaves of more than one tree name the data block. */
    public boolean isDataBlockShared(long dataBlock) throws StorageException {
        return pool.dataMap.isShared(dataBlock);
    }

    /** The highest mapped block of a device, or -1. */
    public long highestMappedBlock(int id) throws StorageException {
        return pool.mappings.subtrees().highestKey(pool.mappings.subtreeRoot(pool.mappingRoot, id));
    }

    /** How devices come and go; not to be kept beyond an {@link #abort}. */
    public DeviceLife life() {
        return life;
    }

    /** How data blocks get other owners, and owners other blocks; not to be kept beyond an {@link #abort}. */
    public BlockReferences references() {
        return references;
    }

    /** What devices have mapped since their last snapshots. */
    public OwnCounts own() {
        return own;
    }

    /**
     * Goes on counting a device's own blocks, some nodes of its tree.
     *
     * @param privateOnly whether nodes with several parents are passed without a look: right, and much quicker, if no
     *     metadata snapshot is held and nothing that was held by one is left to be reclaimed
     * @return whether they are known now
     */
    public boolean countOwn(int id, int maxNodes, boolean privateOnly) throws StorageException {
        return new OwnCounting(pool).count(id, maxNodes, privateOnly);
    }

    /** The metadata snapshot, and how it comes and goes; not to be kept beyond an {@link #abort}. */
    public MetadataSnapshot snapshot() {
        return snapshot;
    }

    // ---- changes -------------------------------------------------------------------------------------------------

    /**
     * Sets aside a free data block for {@link #insert}. Only memory knows of it, so that a crash leaks nothing.
     *
     * @throws dev.gossamer.pdata.OutOfDataSpace if there is none now
     */
    public long reserveDataBlock() throws StorageException {
        return pool.dataMap.reserve();
    }

    /** Whether nothing refers to any block of a range of data blocks. */
    public boolean isUnreferenced(long firstBlock, int count) throws StorageException {
        return pool.dataMap.isUnreferenced(firstBlock, count);
    }

    /** Makes the number of free data blocks exact, whatever the device says: reads every bitmap not read yet, once. */
    public void countData() throws StorageException {
        if (!pool.dataMap.isCounted()) {
            pool.dataMap.recount();
        }
    }

    /** Gives back a block that was set aside. */
    public void unreserveDataBlock(long dataBlock) {
        pool.unreserve(dataBlock);
    }

    /** Who hears that no data block is set aside any more, each time. Set while the pool is put together. */
    public void whenNoneIsReserved(Runnable listener) {
        whenNoneIsReserved = listener;
    }

    /** Maps a block to a reserved data block, whose contents are in place. The old data block loses a reference. */
    public void insert(int id, long virtualBlock, long dataBlock) throws StorageException {
        changes.insert(id, virtualBlock, dataBlock);
    }

    /** Unmaps blocks {@code [from, to)}. @return how many were mapped */
    public long removeRange(int id, long from, long to) throws StorageException {
        return changes.removeRange(id, from, to);
    }

    /** Sets the user's number, if it is what the caller thinks (on-disk format 9.10). */
    public void setTransactionId(long expected, long next) throws StorageException {
        pool.setTransactionId(expected, next);
    }

    /** Metadata blocks that {@link #growData} takes until the pool has so many data blocks, at most. */
    public long growthCost(long newDataBlocks) {
        return pool.dataMap.growthCost(newDataBlocks);
    }

    /**
     * Counts the blocks of a data device that has grown (on-disk format 9.8), as many as one transaction should take
     * on: to be repeated, each time after a commit, until the pool has all of them.
     */
    public void growData(long newDataBlocks) throws StorageException {
        pool.changed = true;
        pool.dataMap.extend(pool.dataMap.growthStep(newDataBlocks));
        pool.settle();
    }

    /**
     * Takes more blocks of the metadata device into use, up to {@link MetadataSpaceMap#MAX_BLOCKS} (on-disk format
     * 8.4).
     */
    public void growMetadata(long newMetadataBlocks) throws StorageException {
        pool.changed = true;
        blocks.grow(newMetadataBlocks);
        pool.metadataMap.extend(newMetadataBlocks);
        pool.settle();
    }

    /**
     * Whether an operation failed after it had begun to change something: then the transaction is to be aborted. If
     * not, the metadata is as it was before that operation, and the failure is only the matter of who asked for it.
     */
    public boolean isHalfChanged() {
        return pool.isHalfChanged();
    }

    /** Grows with every change: an operation, or several, during which this stands still have changed nothing. */
    public long changeMark() {
        return pool.transaction.changes() + pool.devices.puts();
    }

    /** Whether a commit would write anything. */
    public boolean isChanged() {
        return pool.isChanged();
    }

    /**
     * Ends the transaction: what is returned is to be {@linkplain #writer written}, and what changes from now on
     * belongs to the next one. Not while one is being written, nor after a change that has failed half way.
     */
    public FrozenTransaction freeze() throws StorageException {
        pool.checkWhole();
        if (!pool.isChanged()) {
            return FrozenTransaction.EMPTY;
        }
        life.beforeFreeze();
        pool.devices.flush();
        pool.transaction.preCommit();
        frozen = pool.superblock();
        MetadataBlock superblock = pool.transaction.superblockForUpdate();
        frozen.write(superblock, findings.sound());
        Superblock.writeCatalog(superblock, pool.notedCatalog);
        pool.frozen();
        return pool.transaction.freeze(superblock);
    }

    /** Writes what was frozen, the superblock last. Unless that fails, {@link #committed} comes next. */
    public TransactionWriter writer() {
        return blocks.writer();
    }

    /**
     * What was frozen is stable: it is what a crash leads to from now on.
     *
     * @return the data blocks that it freed; not allocated before they are {@linkplain #releaseFreedDataBlocks
     *     released}
     */
    public FreedBlocks committed() {
        pool.transaction.committed();
        pool.committed = frozen;
        pool.commitSharing();
        frozen = null;
        return pool.dataMap.takeFreed();
    }

    /**
     * Forgets the transaction, and the one being written: everything is read anew from the last superblock (E-1). I/O
     * of the {@link #writer} may still be under way afterwards; until it ends, nothing else can be written.
     */
    public void abort() throws StorageException {
        readable = false;
        blocks.discardCache();
        load();
        findings.usedThoughFree().forEach(pool.dataMap::setAside);
        readable = true;
    }

    /** Sets the needs-check flag on the device, and nothing else. Only after {@link #abort}, before any change. */
    public void setNeedsCheck() throws StorageException {
        MetadataBlock superblock = pool.transaction.superblockForUpdate();
        Superblock.writeNeedsCheck(superblock);
        blocks.writer().writeNow(blocks.freeze(FrozenTransaction.EMPTY, superblock), null);
        pool.committed = Superblock.read(superblock, deviceName);
    }

    /** Whether data blocks have been freed that cannot be allocated yet. */
    public boolean hasFreedDataBlocks() {
        return pool.dataMap.hasFreed();
    }

    /** Whether some of those were freed before the running transaction: they are released without its commit. */
    public boolean hasWithheldDataBlocks() {
        return pool.dataMap.hasWithheld();
    }

    /** Memory that data blocks take which were freed before the running transaction and are not released yet. */
    public long withheldBytes() {
        return pool.dataMap.withheldBytes();
    }

    /** Nobody can be using the blocks any more. */
    public void releaseFreedDataBlocks(FreedBlocks freed) {
        pool.dataMap.release(freed);
    }

    private void load() throws StorageException {
        pool = LoadedPool.load(blocks, deviceName, data, own);
        own.loadedAnew();
        changes = new MappingChanges(pool);
        pool.whenNoneIsReserved = () -> whenNoneIsReserved.run();
        life = new DeviceLife(pool);
        snapshot = new MetadataSnapshot(pool);
        room = new MetadataRoom(pool, life, snapshot);
        references = new BlockReferences(new BlockSharing(pool), new BlockMoves(pool));
        frozen = null;
        pool.settle();
    }
}
