package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.NestedBTree;
import dev.gossamer.pdata.btree.TreeDifference;
import dev.gossamer.pdata.check.CheckRoots;
import dev.gossamer.pdata.spacemap.DiskSpaceMap;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import dev.gossamer.pdata.tx.TransactionManager;

/**
 * What is in memory of a pool's metadata: made from a superblock, changed by transactions, and thrown away as a whole
 * by an abort. The parts of this package that change metadata share it; {@link PoolMetadata} owns it. Worker's thread.
 */
final class LoadedPool {
    final String deviceName;
    final BlockManager blocks;
    final TransactionManager transaction;
    final MetadataSpaceMap metadataMap;
    final DiskSpaceMap dataMap;
    final NestedBTree mappings;
    final TreeDifference difference;
    final ExclusiveCheck sharing;
    final DeviceRecords devices;
    final OwnCounts own;

    /** What a crash leads to. */
    Superblock committed;

    int time;
    long mappingRoot;
    long transactionId;
    long heldRoot;

    /** The device that the next transaction marks as the catalog; -1: none. */
    int catalogToMark = -1;
    /** What the next superblock says of the catalog: see {@link Superblock#writeCatalog}. */
    int notedCatalog = DeviceLife.NOT_SAID;

    /** See {@link PoolMetadata#whenNoneIsReserved}. */
    Runnable whenNoneIsReserved = () -> {};

    /** Something has changed, records of devices aside. */
    boolean changed;

    // Data blocks have got more owners, or shared ones have moved: by the running transaction, by the frozen one.
    private boolean sharesAnew;
    private boolean frozenSharesAnew;

    // Of the transaction manager, when no change was half made.
    private long settledChanges;

    /** Volumes are addressed in bytes, up to 2^56 of them: nothing can be mapped beyond. */
    private static final long MAX_VIRTUAL_BYTES = 1L << 56;

    private LoadedPool(BlockManager blocks, String deviceName, Superblock superblock, OwnCounts own)
            throws StorageException {
        this.deviceName = deviceName;
        this.blocks = blocks;
        this.own = own;
        committed = superblock;
        transaction = new TransactionManager(blocks);
        metadataMap = MetadataSpaceMap.open(transaction, superblock.metadataSpaceMap());
        dataMap = DiskSpaceMap.open(transaction, superblock.dataSpaceMap());
        long blockBytes = (long) superblock.dataBlockSectors() * Superblock.SECTOR_BYTES;
        mappings = new NestedBTree(
                transaction,
                new MappingValue(dataMap, () -> time),
                DeviceDetails.MAX_DEVICES - 1,
                MAX_VIRTUAL_BYTES / blockBytes - 1);
        difference = new TreeDifference(mappings.subtrees());
        sharing = new ExclusiveCheck(mappings, dataMap);
        devices = new DeviceRecords(transaction, superblock.detailsRoot(), () -> time);
        time = superblock.time();
        mappingRoot = superblock.mappingRoot();
        transactionId = superblock.transactionId();
        heldRoot = superblock.heldRoot();
    }

    /**
     * Loads what the superblock says, once it has been compared with the devices.
     *
     * @param deviceName names the metadata device in messages
     * @param own told of what changes
     */
    static LoadedPool load(BlockManager blocks, String deviceName, BlockDevice data, OwnCounts own)
            throws StorageException {
        Superblock superblock = Superblock.load(blocks, deviceName);
        DeviceSizes.checkMetadata(deviceName, superblock, blocks.deviceBlocks());
        DeviceSizes.checkData(data, superblock);
        superblock.checkRoots(deviceName);
        LoadedPool pool = new LoadedPool(blocks, deviceName, superblock, own);
        pool.notedCatalog = Superblock.readCatalog(blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK));
        return pool;
    }

    /** Loads metadata without a data device: for who changes nothing but counts and records. */
    static LoadedPool loadAlone(BlockManager blocks, String deviceName) throws StorageException {
        Superblock superblock = Superblock.load(blocks, deviceName);
        DeviceSizes.checkMetadata(deviceName, superblock, blocks.deviceBlocks());
        superblock.checkRoots(deviceName);
        return new LoadedPool(blocks, deviceName, superblock, new OwnCounts());
    }

    /** Whether another program wrote the metadata last. */
    boolean isForeign() throws StorageException {
        return !Superblock.isOwn(blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK));
    }

    /** Whether no device without a mark can be the catalog. */
    boolean isCatalogMarked() throws StorageException {
        return Superblock.isCatalogMarked(blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK));
    }

    /** Whether this program has written the metadata, last or earlier. */
    boolean wasOwn() throws StorageException {
        return Superblock.wasOwn(blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK));
    }

    /** Block 0 as it is on the device. */
    byte[] superblockBytes() throws StorageException {
        byte[] bytes = new byte[MetadataBlock.BYTES];
        blocks.read(Superblock.LOCATION, BlockValidator.SUPERBLOCK).getBytes(0, bytes);
        return bytes;
    }

    /** Where a check begins. @throws MetadataCorrupt if the metadata snapshot is damaged */
    CheckRoots checkRoots() throws StorageException {
        return committed.checkRoots(blocks, deviceName);
    }

    /** Ends the reservation of a data block, mapped or not. */
    void unreserve(long dataBlock) {
        dataMap.unreserve(dataBlock);
        if (dataMap.reserved() == 0) {
            whenNoneIsReserved.run();
        }
    }

    /** A change has come to its end. */
    void settle() {
        settledChanges = transaction.changes();
    }

    /** Whether one has begun and failed. */
    boolean isHalfChanged() {
        return transaction.changes() != settledChanges;
    }

    /** Nobody has aborted after a change that failed half way: then there is a bug, and nothing may be committed. */
    void checkWhole() {
        Invariant.check(!isHalfChanged(), "half a change would be committed");
    }

    /** The running transaction gives blocks to owners that no state before it need show (D-6a). */
    void sharesAnew() {
        sharesAnew = true;
    }

    /**
     * See {@link PoolMetadata#isExclusive}.
     *
     * @param writing whether a transaction is being written
     */
    boolean isExclusive(int id, long virtualBlock, boolean writing) throws StorageException {
        return !frozenSharesAnew
                && sharing.isExclusive(
                        mappingRoot, committed.mappingRoot(), id, virtualBlock, !(writing && sharesAnew));
    }

    /** The running transaction has ended; the next one is empty. */
    void frozen() {
        changed = false;
        frozenSharesAnew = sharesAnew;
        sharesAnew = false;
        settle();
    }

    void commitSharing() {
        frozenSharesAnew = false;
    }

    boolean isChanged() {
        return changed || devices.hasChanges();
    }

    /** What is free cannot be freed: it may have another owner by now (D-7). */
    void checkCounted(int id, long virtualBlock, long packed) throws StorageException {
        long dataBlock = Mapping.dataBlock(packed);
        if (dataMap.count(dataBlock) == 0) {
            throw new MetadataCorrupt("block " + virtualBlock + " of thin device " + id + " is mapped to data block "
                    + dataBlock + ", which is counted as free");
        }
    }

    /** See {@link PoolMetadata#setTransactionId}. */
    void setTransactionId(long expected, long next) throws StorageException {
        if (transactionId != expected) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the transaction id is " + transactionId + ", not " + expected + "; nothing was changed");
        }
        transactionId = next;
        changed = true;
    }

    /** What to store when the transaction ends. */
    Superblock superblock() {
        return new Superblock(
                committed.needsCheck(),
                time,
                transactionId,
                heldRoot,
                dataMap.root(),
                metadataMap.root(),
                mappingRoot,
                devices.root(),
                committed.dataBlockSectors(),
                committed.metadataBlocksAtFormat());
    }
}
