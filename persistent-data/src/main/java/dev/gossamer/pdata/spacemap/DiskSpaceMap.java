package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.tx.CommitParticipant;
import dev.gossamer.pdata.tx.TransactionManager;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Counts of the data blocks. Its bitmaps are found through a tree of index entries, key = bitmap number; changed
 * entries are kept in memory until the commit.
 *
 * <p>A block for data that is on its way is {@linkplain #reserve reserved} first, in memory only, and counted when it
 * is mapped: so a crash in between leaks nothing.
 *
 * <p>A block freed by a transaction comes back in two steps. The commit makes it free, but the pool
 * {@linkplain #takeFreed takes} the set and {@linkplain #release releases} it only when all I/O that may still know the
 * old mapping is done. That goes for a block that the same transaction had allocated, too: no commit knows of it, but
 * writes to it may be on their way.
 */
public final class DiskSpaceMap implements SpaceMap, CommitParticipant {
    /** A mapping has 40 bits for the data block. */
    public static final long MAX_BLOCKS = 1L << 40;

    /** Bitmaps that one transaction adds. */
    private static final int GROWTH_STEP_BITMAPS = 64;

    /**
     * Index entries that a new leaf of their tree takes in, at least: entries come in ascending order, so a split
     * leaves half.
     */
    private static final int GROWTH_PER_NODE = 64;

    /**
     * Copies of what a step changes besides: the index tree's path and splits, metadata bitmaps, their index, the
     * roots.
     */
    private static final int GROWTH_PATH = 16;

    private final CountTable table;
    private final BTree index;
    private final long[] entry = new long[2];
    // As many as there are blocks in preparation.
    private final Set<Long> reserved = new HashSet<>();
    // As many as whoever has looked at all references allows.
    private final Set<Long> setAside = new HashSet<>();
    private long indexRoot;
    // The range that is closed reaches to the end, and that is to be cut off.
    private boolean endCloses;
    private boolean closes;
    private FreedBlocks freedByFrozen = FreedBlocks.NONE;
    private FreedBlocks freedByLastCommit = FreedBlocks.NONE;

    private DiskSpaceMap(TransactionManager tx) {
        table = new CountTable(tx, this::loadIndexEntry, this::isReserved, true);
        index = new BTree(tx, ValueType.plain(IndexEntry.BYTES));
    }

    /** Makes a space map of no blocks, to be {@linkplain #extend extended}. */
    public static DiskSpaceMap create(TransactionManager tx) throws StorageException {
        DiskSpaceMap map = new DiskSpaceMap(tx);
        map.indexRoot = map.index.create();
        map.table.create();
        tx.addParticipant(map);
        return map;
    }

    /** Opens what is on disk. Reads nothing yet. */
    public static DiskSpaceMap open(TransactionManager tx, SpaceMapRoot root) throws StorageException {
        DiskSpaceMap map = new DiskSpaceMap(tx);
        map.indexRoot = root.bitmapRoot();
        map.table.open(root);
        tx.addParticipant(map);
        return map;
    }

    @Override
    public long blocks() {
        return table.blocks();
    }

    @Override
    public long allocated() {
        return table.allocated();
    }

    @Override
    public long free() {
        return table.free() - reserved.size() - setAside.size();
    }

    /** As {@link #free}, with blocks that were freed and are not released yet: a commit and a while make them so. */
    public long unused() {
        return table.unused() - reserved.size() - setAside.size();
    }

    @Override
    public long count(long block) throws StorageException {
        return table.count(block);
    }

    @Override
    public long committedCount(long block) throws StorageException {
        return table.committedCount(block);
    }

    @Override
    public void increment(long block) throws StorageException {
        table.change(block, 1);
    }

    @Override
    public void decrement(long block) throws StorageException {
        table.change(block, -1);
    }

    @Override
    public void adjust(long block, int difference) throws StorageException {
        table.change(block, difference);
    }

    @Override
    public long allocate() throws StorageException {
        long block = findFree();
        table.change(block, 1);
        return block;
    }

    /**
     * Takes a free block without counting it; nothing of this reaches the disk. End it with {@link #unreserve}, and
     * count the block with {@link #increment} if it is to be used.
     *
     * @throws OutOfDataSpace if no block is free now
     */
    public long reserve() throws StorageException {
        long block = findFree();
        reserved.add(block);
        return block;
    }

    /**
     * As {@link #reserve}, a run of neighbours, looked for in a limited number of blocks from one on.
     *
     * @return the first block of the run; -1 if none begins there
     */
    public long reserveRun(long from, long span, int count) throws StorageException {
        long first = from;
        int length = 0;
        for (long block = from; block < Math.min(table.blocks(), from + span + count); block++) {
            if (!table.isAllocatable(block)) {
                first = block + 1;
                length = 0;
            } else if (++length == count) {
                for (long each = first; each <= block; each++) {
                    reserved.add(each);
                }
                return first;
            }
        }
        return -1;
    }

    /**
     * Never gives out a block, although it is counted as free: something refers to it all the same. In memory only, and
     * no reservation: nothing will be mapped to it, nor will it end.
     */
    public void setAside(long block) {
        setAside.add(block);
    }

    /**
     * Closes a range of blocks: none of them is allocated any more, until another range is closed, or the empty one.
     * They do not count as free. In memory only.
     */
    public void close(long from, long to) throws StorageException {
        endCloses = false;
        closes = from < to;
        table.close(from, to);
    }

    /** Closes all blocks from one on, which are to be {@linkplain #shrink cut off}: until then no others are added. */
    public void closeEnd(long from) throws StorageException {
        table.close(from, table.blocks());
        endCloses = true;
        closes = true;
    }

    /** Whether the end of the device is being emptied, to be cut off. */
    public boolean isEndClosed() {
        return endCloses;
    }

    /** Whether a range is closed. */
    public boolean isClosed() {
        return closes;
    }

    /** Blocks of the closed range that are in use: counted, set aside, or reserved before it was closed. */
    public long closedInUse(long from, long to) {
        return table.closedInUse()
                + Stream.concat(reserved.stream(), setAside.stream())
                        .filter(block -> block >= from && block < to)
                        .count();
    }

    /** Whether a block from this one on is free and cannot be allocated yet. */
    public boolean hasFreedFrom(long block) {
        return table.hasExcludedFrom(block);
    }

    /**
     * Counts fewer blocks; the others are free, not reserved, and none {@linkplain #hasFreedFrom was freed} lately. No
     * range is closed any more. While nothing is being written.
     */
    public void shrink(long newBlocks) throws StorageException {
        Invariant.check(newBlocks > 0 && newBlocks <= table.blocks(), "not a smaller data device");
        Invariant.check(table.inUse(newBlocks, table.blocks()) == 0, "data blocks in use are cut off");
        endCloses = false;
        closes = false;
        int before = CountTable.bitmapsFor(table.blocks());
        for (int number = table.shrink(newBlocks); number < before; number++) {
            indexRoot = index.remove(indexRoot, number);
        }
    }

    /** Ends a reservation. */
    public void unreserve(long block) {
        Invariant.check(reserved.remove(block), "ended a reservation that was not there");
    }

    /**
     * Whether there are free blocks that cannot be allocated yet: they will be, after a commit and {@link #release}.
     */
    public boolean hasFreed() {
        return table.hasExcluded();
    }

    @Override
    public void extend(long newBlocks) throws StorageException {
        Invariant.check(newBlocks >= table.blocks() && newBlocks <= MAX_BLOCKS, "not a growth of the data device");
        Invariant.check(!endCloses, "the data device grows behind an end that is being cut off");
        table.extend(newBlocks);
    }

    /**
     * Reads all bitmaps not read yet, after which {@link #allocated} and {@link #free} are exact whatever the disk
     * said.
     */
    public void recount() throws StorageException {
        table.countAll();
    }

    /** Whether {@link #free} is exact. If not, {@link #recount} makes it so. */
    public boolean isCounted() {
        return table.isCounted();
    }

    /**
     * Metadata blocks that counting more data blocks takes, at most: a bitmap for each 16320 that are not in the last
     * one, and nodes of the index tree.
     */
    public long growthCost(long newBlocks) {
        long bitmaps = (long) CountTable.bitmapsFor(newBlocks) - CountTable.bitmapsFor(table.blocks());
        return bitmaps == 0 ? 0 : bitmaps + bitmaps / GROWTH_PER_NODE + GROWTH_PATH;
    }

    /**
     * Metadata blocks that changing counts takes at most, with what the commit has to store of it.
     *
     * @param counts how many counts change
     * @param high how many of them may be, or get, above 2
     */
    public long changeCost(long counts, long high) throws StorageException {
        long bitmaps = Math.min(counts, table.untouchedBitmaps());
        return bitmaps + index.changeCost(indexRoot, bitmaps) + table.overflowCost(high);
    }

    /** As {@link #changeCost}, for counts that only get lower. */
    public long removalCost(long counts, long high) throws StorageException {
        long bitmaps = Math.min(counts, table.untouchedBitmaps());
        return bitmaps + index.changeCost(indexRoot, bitmaps) + table.overflowRemovalCost(high);
    }

    /** For finding out what changing certain counts takes. */
    public CountCost countCost() {
        return new CountCost(table, entries -> index.removalCost(indexRoot, entries));
    }

    /** Blocks that are reserved now. */
    public int reserved() {
        return reserved.size();
    }

    /** Metadata blocks that the commit takes at most to store what has changed until now. */
    public long commitCost() throws StorageException {
        return index.changeCost(indexRoot, table.touchedBitmaps());
    }

    /** How far one transaction should go on the way to that many blocks: so that it stays short. */
    public long growthStep(long newBlocks) {
        long bitmaps = CountTable.bitmapsFor(table.blocks()) + (long) GROWTH_STEP_BITMAPS;
        return Math.min(newBlocks, bitmaps * BitmapLayout.ENTRIES);
    }

    /** Whether some of those were freed before the running transaction: they come back without a commit of its. */
    public boolean hasWithheld() {
        return !table.withheld().isEmpty();
    }

    /** Bytes of memory that blocks freed before the running transaction, and not released yet, take. */
    public long withheldBytes() {
        return table.withheld().bytes();
    }

    /**
     * The blocks freed by the transaction that was committed last. They are not allocated until they are {@linkplain
     * #release released}. Not called after a commit, its blocks are free at once.
     */
    public FreedBlocks takeFreed() {
        FreedBlocks freed = freedByLastCommit;
        freedByLastCommit = FreedBlocks.NONE;
        table.withhold(freed);
        return freed;
    }

    /** Whether nothing refers to any block of a range. */
    public boolean isUnreferenced(long firstBlock, int count) throws StorageException {
        for (int i = 0; i < count; i++) {
            if (table.count(firstBlock + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Gives blocks back for allocation, once. */
    public void release(FreedBlocks freed) {
        table.release(freed);
    }

    @Override
    public SpaceMapRoot root() {
        return new SpaceMapRoot(table.blocks(), table.allocated(), indexRoot, table.overflowRoot());
    }

    @Override
    public void flushChanges() throws StorageException {
        for (Bitmap bitmap : table.takeChanged()) {
            entry[0] = bitmap.location;
            entry[1] = bitmap.indexEntry().word1();
            indexRoot = index.insert(indexRoot, bitmap.number, entry);
        }
    }

    @Override
    public void frozen() {
        freedByFrozen = table.freeze();
    }

    @Override
    public void committed() {
        table.committed();
        table.release(freedByFrozen);
        freedByLastCommit = freedByFrozen;
        freedByFrozen = FreedBlocks.NONE;
    }

    private long findFree() throws StorageException {
        long block = table.findFree();
        if (block < 0) {
            throw new OutOfDataSpace(table.blocks());
        }
        return block;
    }

    private boolean isReserved(long block) {
        return reserved.contains(block) || setAside.contains(block);
    }

    private Bitmap loadIndexEntry(int number) throws StorageException {
        long[] found = new long[2];
        if (!index.lookup(indexRoot, number, found)) {
            throw new MetadataCorrupt(
                    "the data space map has no bitmap " + number + " of " + CountTable.bitmapsFor(table.blocks()));
        }
        return new Bitmap(number, IndexEntry.of(found[0], found[1]));
    }
}
