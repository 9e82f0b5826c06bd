package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.KeysCost;
import dev.gossamer.pdata.btree.ValueType;
import dev.gossamer.pdata.tx.ChildReferences;
import dev.gossamer.pdata.tx.TransactionManager;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/**
 * Reference counts in bitmaps and an overflow tree, as both space maps store them. Where the bitmaps are found on disk
 * is the owner's business.
 *
 * <p>A count of 3 or more is 3 in the bitmap and an entry in the overflow tree; a smaller one has no entry there.
 */
final class CountTable {
    /** Counts are stored in 32 bits. */
    private static final long MAX_COUNT = 0xFFFFFFFFL;

    private final TransactionManager tx;
    private final BTree overflow;
    private final BitmapIndex index;
    private final LongPredicate pending;
    private final boolean withholdAllFrees;
    private final List<Bitmap> bitmaps = new ArrayList<>();
    // By the running transaction, and by the frozen one until it is committed.
    private List<Bitmap> touched = new ArrayList<>();
    private List<Bitmap> frozenTouched = List.of();
    private final WithheldBlocks withheld = new WithheldBlocks();
    private final long[] word = new long[1];
    private long overflowRoot;
    private long frozenOverflowRoot;
    private long committedOverflowRoot = Bitmap.NOWHERE;
    private long blocks;
    private long allocated;
    private int countedBitmaps;
    // Free, but used when this transaction began, or withheld.
    private long excluded;
    private long cursor;
    private ClosedRange closed = ClosedRange.NONE;

    /** Where index entries come from. */
    interface BitmapIndex {
        Bitmap load(int number) throws StorageException;
    }

    /**
     * @param pending tells of a block with count 0 that it is allocated all the same: the update is still queued
     * @param withholdAllFrees what was allocated and freed within one transaction is withheld, too, as if the last
     *     commit had used it
     */
    CountTable(TransactionManager tx, BitmapIndex index, LongPredicate pending, boolean withholdAllFrees) {
        this.tx = tx;
        this.index = index;
        this.pending = pending;
        this.withholdAllFrees = withholdAllFrees;
        overflow = new BTree(tx, ValueType.plain(Integer.BYTES));
    }

    /** Makes an empty overflow tree; there are no bitmaps yet. */
    void create() throws StorageException {
        overflowRoot = overflow.create();
    }

    /** Takes over what is on disk. Bitmaps are loaded when they are first needed. */
    void open(SpaceMapRoot root) throws MetadataCorrupt {
        root.checkSize(tx.blocks().deviceBlocks());
        blocks = root.blocks();
        // A hint until all bitmaps have been counted; no more than there can be, whatever it says.
        allocated = Math.clamp(root.allocated(), 0, blocks);
        overflowRoot = root.overflowRoot();
        committedOverflowRoot = overflowRoot;
        for (int i = bitmapsFor(blocks); i > 0; i--) {
            bitmaps.add(null);
        }
    }

    static int bitmapsFor(long blocks) {
        return Math.toIntExact((blocks + BitmapLayout.ENTRIES - 1) / BitmapLayout.ENTRIES);
    }

    long blocks() {
        return blocks;
    }

    long allocated() {
        return allocated;
    }

    long overflowRoot() {
        return overflowRoot;
    }

    /** Blocks that can be allocated now. */
    long free() {
        return Math.max(0, blocks - allocated - excluded - closed.keptBack());
    }

    /** As {@link #free}, with those that are excluded only for now. */
    long unused() {
        return Math.max(0, blocks - allocated - closed.unused());
    }

    /** Bitmaps that the running transaction has copied; their index entries are to be stored. */
    int touchedBitmaps() {
        return Math.min(touched.size(), bitmaps.size());
    }

    /** Whether the running transaction has a copy of its own of the bitmap that counts a block. */
    boolean isTouched(long block) throws StorageException {
        checkRange(block);
        return bitmap(block).changed;
    }

    /** Bitmaps of which it would have to make a copy. */
    int untouchedBitmaps() {
        return bitmaps.size() - touchedBitmaps();
    }

    /** Blocks that changing so many counts takes at most that are, or get to be, in the overflow tree. */
    long overflowCost(long counts) throws StorageException {
        return overflow.changeCost(overflowRoot, counts);
    }

    /** What tells the same more exactly, for blocks that are known. */
    OverflowCost overflowCost() {
        return new OverflowCost(this, new KeysCost(overflow));
    }

    /** As {@link #overflowCost}, for counts that only get lower. */
    long overflowRemovalCost(long counts) throws StorageException {
        return overflow.removalCost(overflowRoot, counts);
    }

    /** Whether some free blocks cannot be allocated yet. */
    boolean hasExcluded() {
        return excluded > 0;
    }

    /** Adds zeroed bitmaps until there are enough, then counts up to the new number of blocks. */
    void extend(long newBlocks) throws StorageException {
        for (int i = bitmaps.size(); i < bitmapsFor(newBlocks); i++) {
            MetadataBlock block = tx.newBlock(BlockValidator.BITMAP);
            Bitmap bitmap = Bitmap.empty(i, block.location());
            bitmaps.add(bitmap);
            touched.add(bitmap);
            countedBitmaps++;
        }
        blocks = newBlocks;
    }

    long count(long block) throws StorageException {
        checkRange(block);
        Bitmap bitmap = bitmap(block);
        int count = BitmapLayout.count(tx.read(bitmap.location, BlockValidator.BITMAP), entry(block));
        return count < BitmapLayout.OVERFLOW ? count : overflowCount(overflowRoot, block);
    }

    /**
     * The count that the last commit has on disk: what the transaction has shadowed since is still there, and a bitmap
     * it has not touched is the same in both.
     */
    long committedCount(long block) throws StorageException {
        checkRange(block);
        Bitmap bitmap = bitmap(block);
        if (bitmap.committedLocation == Bitmap.NOWHERE) {
            return 0;
        }
        int count = BitmapLayout.count(tx.read(bitmap.committedLocation, BlockValidator.BITMAP), entry(block));
        return count < BitmapLayout.OVERFLOW ? count : overflowCount(committedOverflowRoot, block);
    }

    /**
     * Adds to a count: 1 or -1, or whatever sets a wrong one right. The bits are changed last, after everything that
     * may ask for other counts on the way, so that a queued update can be looked upon as pending until this returns.
     */
    void change(long block, int delta) throws StorageException {
        checkRange(block);
        Bitmap bitmap = bitmap(block);
        int entry = entry(block);
        MetadataBlock bits = tx.shadow(bitmap.location, BlockValidator.BITMAP, ChildReferences.NONE);
        touch(bitmap, bits);
        int stored = BitmapLayout.count(bits, entry);
        long before = stored < BitmapLayout.OVERFLOW ? stored : overflowCount(overflowRoot, block);
        long after = before + delta;
        if (after < 0 || after > MAX_COUNT) {
            throw new MetadataCorrupt("reference count of block " + block + " would become " + after);
        }
        if (after >= BitmapLayout.OVERFLOW) {
            word[0] = after;
            overflowRoot = overflow.insert(overflowRoot, block, word);
        } else if (before >= BitmapLayout.OVERFLOW) {
            overflowRoot = overflow.remove(overflowRoot, block);
        }
        BitmapLayout.setCount(bits, entry, (int) Math.min(after, BitmapLayout.OVERFLOW));
        int freed = bitmap.freedCount();
        if (before == 0) {
            allocated++;
            bitmap.becameUsed(entry);
        } else if (after == 0) {
            allocated--;
            bitmap.becameFree(entry, withholdAllFrees);
        }
        excluded += bitmap.freedCount() - freed;
        if (closed.has(block)) {
            closed.changed((after == 0 ? 0 : 1) - (before == 0 ? 0 : 1), bitmap.freedCount() - freed);
        }
    }

    /**
     * Finds a block that can be allocated: from behind the last one found to the end, then from the start. Returns -1
     * if there is none. The caller has to count it.
     */
    long findFree() throws StorageException {
        long found = findFree(false);
        // Bitmaps that the index calls full are believed so only while there are others: read them all before giving
        // up.
        return found >= 0 || countedBitmaps == bitmaps.size() ? found : findFree(true);
    }

    private long findFree(boolean distrustIndex) throws StorageException {
        long found = searchOpen(cursor, blocks, distrustIndex);
        if (found < 0) {
            found = searchOpen(0, Math.min(cursor, blocks), distrustIndex);
        }
        if (found >= 0) {
            cursor = found + 1;
        }
        return found;
    }

    /** Whether {@link #allocated} is exact, and not what the disk says. */
    boolean isCounted() {
        return countedBitmaps == bitmaps.size();
    }

    /** Reads every bitmap that has not been read yet; from then on {@link #allocated} is exact. */
    void countAll() throws StorageException {
        for (int i = 0; i < bitmaps.size(); i++) {
            Bitmap bitmap = bitmap(i);
            countFree(bitmap, tx.read(bitmap.location, BlockValidator.BITMAP));
        }
    }

    /** Bitmaps whose index entries are out of date, each told once. */
    List<Bitmap> takeChanged() {
        List<Bitmap> changed = new ArrayList<>();
        for (Bitmap bitmap : touched) {
            if (bitmap.changed) {
                bitmap.changed = false;
                changed.add(bitmap);
            }
        }
        return changed;
    }

    /** Whether an index entry is out of date. */
    boolean isChanged() {
        for (Bitmap bitmap : touched) {
            if (bitmap.changed) {
                return true;
            }
        }
        return false;
    }

    /**
     * The transaction ends, and will be written. What it has freed is used by the state before it, which a crash still
     * leads to: it is {@linkplain #withhold withheld} and returned, to be {@linkplain #release released} when the
     * transaction is committed, or later. What the next transaction frees is in use by this one.
     */
    FreedBlocks freeze() {
        FreedBlocks freed = new FreedBlocks();
        for (Bitmap bitmap : touched) {
            int count = bitmap.freedCount();
            excluded -= count;
            long[] bits = bitmap.freeze();
            if (bits != null) {
                freed.add(bitmap.number, bits);
            }
        }
        freed.complete();
        closed.release(freed);
        frozenTouched = touched;
        touched = new ArrayList<>();
        frozenOverflowRoot = overflowRoot;
        withhold(freed);
        return freed;
    }

    /** The frozen state is the committed one. */
    void committed() {
        frozenTouched.forEach(Bitmap::committed);
        frozenTouched = List.of();
        committedOverflowRoot = frozenOverflowRoot;
    }

    /** Blocks freed by transactions before the running one. */
    WithheldBlocks withheld() {
        return withheld;
    }

    /** Gives withheld blocks back for allocation, once. */
    void release(FreedBlocks freed) {
        withheld.remove(bitmaps, freed);
        excluded -= freed.count();
        closed.release(freed);
    }

    void withhold(FreedBlocks freed) {
        withheld.add(bitmaps, freed);
        excluded += freed.count();
        closed.exclude(freed);
    }

    /** Allocates no block of a range any more, until the next call; the empty one reads nothing. */
    void close(long from, long to) throws StorageException {
        closed = ClosedRange.of(bitmaps, from, to, inUse(from, to));
    }

    /** How many blocks of a range are counted. Reads its bitmaps. */
    long inUse(long from, long to) throws StorageException {
        long inUse = 0;
        for (long block = from; block < to; ) {
            int begin = entry(block);
            int width = (int) Math.min(Integer.SIZE - begin % Integer.SIZE, to - block);
            MetadataBlock bits = tx.read(bitmap(block).location, BlockValidator.BITMAP);
            int free = BitmapLayout.freeMask(bits, BitmapLayout.wordOf(begin)) >>> begin % Integer.SIZE;
            inUse += width - Integer.bitCount(width == Integer.SIZE ? free : free & (1 << width) - 1);
            block += width;
        }
        return inUse;
    }

    /**
     * Counts fewer blocks: those from {@code newBlocks} on are free, none of them is {@linkplain #hasExcludedFrom
     * excluded}, and nothing is being written. No range is closed any more.
     *
     * @return how many bitmaps are left; those behind are gone
     */
    int shrink(long newBlocks) throws StorageException {
        closed = ClosedRange.NONE;
        while (bitmaps.size() > bitmapsFor(newBlocks)) {
            Bitmap gone = bitmap(bitmaps.size() - 1);
            bitmaps.removeLast();
            touched.remove(gone);
            countedBitmaps -= gone.counted ? 1 : 0;
            tx.decrement(gone.location);
        }
        blocks = newBlocks;
        cursor = Math.min(cursor, newBlocks);
        return bitmaps.size();
    }

    /** Whether a block from this one on is free and cannot be allocated yet. */
    boolean hasExcludedFrom(long from) {
        int first = Math.toIntExact(from / BitmapLayout.ENTRIES);
        for (int number = first; number < bitmaps.size(); number++) {
            Bitmap bitmap = bitmaps.get(number);
            int begin = number == first ? entry(from) : 0;
            for (int word = BitmapLayout.wordOf(begin); word < BitmapLayout.WORDS; word++) {
                int mask = bitmap == null ? 0 : bitmap.excludedMask(word);
                int above = Math.max(0, begin - word * Integer.SIZE);
                if (mask >>> above != 0) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a block can be allocated now. */
    boolean isAllocatable(long block) throws StorageException {
        if (block >= blocks || closed.has(block)) {
            return false;
        }
        Bitmap bitmap = bitmap(block);
        MetadataBlock bits = tx.read(bitmap.location, BlockValidator.BITMAP);
        return searchBitmap(bitmap, bits, entry(block), entry(block) + 1) >= 0;
    }

    /** How many blocks of the closed range are in use. */
    long closedInUse() {
        return closed.inUse();
    }

    private long searchOpen(long from, long to, boolean distrustIndex) throws StorageException {
        if (closed.isEmpty()) {
            return search(from, to, distrustIndex);
        }
        long found = search(from, Math.min(to, closed.from), distrustIndex);
        return found >= 0 ? found : search(Math.max(from, closed.to), to, distrustIndex);
    }

    private long search(long from, long to, boolean distrustIndex) throws StorageException {
        long block = from;
        while (block < to) {
            Bitmap bitmap = bitmap(block);
            long first = (long) bitmap.number * BitmapLayout.ENTRIES;
            if (mayHaveRoom(bitmap, distrustIndex)) {
                MetadataBlock bits = tx.read(bitmap.location, BlockValidator.BITMAP);
                countFree(bitmap, bits);
                int begin = Math.max((int) (block - first), bitmap.noneFreeBefore);
                int end = (int) Math.min(to - first, BitmapLayout.ENTRIES);
                int entry = searchBitmap(bitmap, bits, begin, end);
                if (entry >= 0) {
                    return first + entry;
                }
            }
            block = first + BitmapLayout.ENTRIES;
        }
        return -1;
    }

    private boolean mayHaveRoom(Bitmap bitmap, boolean distrustIndex) {
        if (!bitmap.counted) {
            return distrustIndex || bitmap.free != 0;
        }
        return bitmap.free > bitmap.excludedCount();
    }

    private int searchBitmap(Bitmap bitmap, MetadataBlock bits, int begin, int end) {
        for (int word = BitmapLayout.wordOf(begin); word * Integer.SIZE < end; word++) {
            int mask = BitmapLayout.freeMask(bits, word) & ~bitmap.excludedMask(word);
            while (mask != 0) {
                int entry = word * Integer.SIZE + Integer.numberOfTrailingZeros(mask);
                if (entry >= end) {
                    return -1;
                }
                if (entry >= begin && !pending.test((long) bitmap.number * BitmapLayout.ENTRIES + entry)) {
                    return entry;
                }
                mask &= mask - 1;
            }
        }
        return -1;
    }

    private void touch(Bitmap bitmap, MetadataBlock bits) {
        bitmap.location = bits.location();
        countFree(bitmap, bits);
        if (!bitmap.changed) {
            bitmap.changed = true;
            touched.add(bitmap);
        }
    }

    private void countFree(Bitmap bitmap, MetadataBlock bits) {
        if (bitmap.counted) {
            return;
        }
        bitmap.countFree(bits);
        if (++countedBitmaps == bitmaps.size()) {
            allocated = 0;
            for (Bitmap each : bitmaps) {
                allocated += BitmapLayout.ENTRIES - each.free;
            }
        }
    }

    private long overflowCount(long root, long block) throws StorageException {
        if (!overflow.lookup(root, block, word) || word[0] < BitmapLayout.OVERFLOW) {
            throw new MetadataCorrupt(
                    "block " + block + " is marked as counted in the overflow tree, but is not there");
        }
        return word[0];
    }

    private Bitmap bitmap(long block) throws StorageException {
        return bitmap((int) (block / BitmapLayout.ENTRIES));
    }

    private Bitmap bitmap(int number) throws StorageException {
        Bitmap bitmap = bitmaps.get(number);
        if (bitmap == null) {
            bitmap = index.load(number);
            bitmaps.set(number, bitmap);
        }
        return bitmap;
    }

    private static int entry(long block) {
        return (int) (block % BitmapLayout.ENTRIES);
    }

    private void checkRange(long block) throws MetadataCorrupt {
        if (block < 0 || block >= blocks) {
            throw new MetadataCorrupt(
                    "block " + Long.toUnsignedString(block) + " is beyond the " + blocks + " blocks of its space map");
        }
    }
}
