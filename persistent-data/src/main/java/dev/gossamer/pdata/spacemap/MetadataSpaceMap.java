package dev.gossamer.pdata.spacemap;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.OutOfMetadataSpace;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.tx.ChildReferences;
import dev.gossamer.pdata.tx.MetadataAllocator;
import dev.gossamer.pdata.tx.TransactionManager;

/**
 * Counts of the metadata blocks, those that the counts themselves are stored in included.
 *
 * <p>Changing a count shadows a bitmap and may change the overflow tree, which allocates and frees metadata blocks,
 * which changes counts. So updates are queued and applied one after the other: what an update brings about goes to the
 * end of the queue, and a query adds what is still waiting. It ends because a bitmap or node that was shadowed once in
 * a transaction is changed in place from then on.
 *
 * <p>Bitmaps are found through the index block, a plain array, so that a bitmap can move without any further
 * allocation. In memory the index changes at once, on disk at commit (on-disk format, section 8).
 *
 * <pre>
 *  byte 0      4       8          16        32                    4096
 *      +------+-------+----------+---------+---------+-----------+
 *      | csum | 0     | location | entry 0 | entry 1 | ... 254   |
 *      +------+-------+----------+---------+---------+-----------+
 * </pre>
 */
public final class MetadataSpaceMap implements SpaceMap, MetadataAllocator {
    private static final int INDEX_ENTRIES = 255;

    /** Blocks that can be counted; what a larger device has beyond is not used. */
    public static final long MAX_BLOCKS = (long) INDEX_ENTRIES * BitmapLayout.ENTRIES;

    private static final long NORMAL = -1;

    private final TransactionManager tx;
    private final CountTable table;
    private final UpdateQueue queue = new UpdateQueue();
    private boolean applying;
    // While bitmaps are made for an area, its blocks are handed out in sequence; NORMAL otherwise.
    private long nextInNewArea = NORMAL;
    private long indexLocation;
    private FreedBlocks freedByFrozen = FreedBlocks.NONE;

    private MetadataSpaceMap(TransactionManager tx) {
        this.tx = tx;
        table = new CountTable(tx, this::loadIndexEntry, queue::hasUpdateOf, false);
    }

    /**
     * Formats: makes the counts of a device of {@code deviceBlocks} blocks (of which at most {@link #MAX_BLOCKS} are
     * used). Block 0, the superblock, is counted; writing it is up to the caller.
     */
    public static MetadataSpaceMap create(TransactionManager tx, long deviceBlocks) throws StorageException {
        MetadataSpaceMap map = new MetadataSpaceMap(tx);
        tx.attachAllocator(map);
        map.queue.add(0, 1);
        map.nextInNewArea = 1;
        map.applying = true;
        map.indexLocation = tx.newBlock(BlockValidator.INDEX).location();
        map.table.create();
        map.finishNewArea(Math.min(deviceBlocks, MAX_BLOCKS));
        return map;
    }

    /** Opens what is on disk. Reads all bitmaps, 255 blocks at most, since the free counts on disk are only hints. */
    public static MetadataSpaceMap open(TransactionManager tx, SpaceMapRoot root) throws StorageException {
        long deviceBlocks = tx.blocks().deviceBlocks();
        if (root.blocks() <= 0 || root.blocks() > MAX_BLOCKS || root.blocks() > deviceBlocks) {
            throw new MetadataCorrupt("the metadata space map counts " + Long.toUnsignedString(root.blocks())
                    + " blocks, the device has " + deviceBlocks);
        }
        MetadataSpaceMap map = new MetadataSpaceMap(tx);
        tx.attachAllocator(map);
        map.indexLocation = root.bitmapRoot();
        map.table.open(root);
        map.table.countAll();
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
        return table.free();
    }

    @Override
    public long count(long block) throws StorageException {
        // Blocks of an area whose bitmaps are still being made have their whole count in the queue.
        long applied = block < table.blocks() || nextInNewArea == NORMAL ? table.count(block) : 0;
        return applied + queue.pendingDelta(block);
    }

    @Override
    public long committedCount(long block) throws StorageException {
        return table.committedCount(block);
    }

    @Override
    public void increment(long block) throws StorageException {
        update(block, 1);
    }

    @Override
    public void decrement(long block) throws StorageException {
        update(block, -1);
    }

    @Override
    public void adjust(long block, int difference) throws StorageException {
        update(block, difference);
    }

    @Override
    public long allocate() throws StorageException {
        long block;
        if (nextInNewArea == NORMAL) {
            block = table.findFree();
        } else {
            block = nextInNewArea < tx.blocks().deviceBlocks() ? nextInNewArea++ : -1;
        }
        if (block < 0) {
            throw new OutOfMetadataSpace(table.blocks());
        }
        update(block, 1);
        return block;
    }

    /** Counts more blocks of a device that has {@linkplain dev.gossamer.pdata.block.BlockManager#grow grown}. */
    @Override
    public void extend(long newBlocks) throws StorageException {
        long capped = Math.min(newBlocks, MAX_BLOCKS);
        Invariant.check(
                capped >= table.blocks() && newBlocks <= tx.blocks().deviceBlocks(), "not a growth of the device");
        Invariant.check(!applying, "growth in the middle of an update");
        // New bitmaps go to the start of the new area, so that growth works when the old one is full.
        nextInNewArea = table.blocks();
        applying = true;
        finishNewArea(capped);
    }

    @Override
    public SpaceMapRoot root() {
        return new SpaceMapRoot(table.blocks(), table.allocated(), indexLocation, table.overflowRoot());
    }

    @Override
    public void flushChanges() throws StorageException {
        if (!table.isChanged()) {
            return;
        }
        // Moving the index block changes bitmaps and so index entries in memory: the entries are put in afterwards.
        MetadataBlock index = tx.shadow(indexLocation, BlockValidator.INDEX, ChildReferences.NONE);
        indexLocation = index.location();
        for (Bitmap bitmap : table.takeChanged()) {
            int offset = MetadataBlock.HEADER_BYTES + IndexEntry.BYTES * bitmap.number;
            index.putLong(offset, bitmap.location);
            index.putLong(offset + Long.BYTES, bitmap.indexEntry().word1());
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
        freedByFrozen = FreedBlocks.NONE;
    }

    /** Blocks that counts above 2 take at most, if so many of them change. */
    public long overflowCost(long counts) throws StorageException {
        return table.overflowCost(counts);
    }

    /** What tells the same more exactly, for blocks that are known. */
    public OverflowCost overflowCost() {
        return table.overflowCost();
    }

    /** As {@link #overflowCost}, for counts that only get lower. */
    public long overflowRemovalCost(long counts) throws StorageException {
        return table.overflowRemovalCost(counts);
    }

    /**
     * Blocks that counting takes at most until the transaction is frozen, whatever is allocated and freed: a copy of
     * each bitmap that has none yet, and one of their index.
     */
    public long commitCost() {
        return table.untouchedBitmaps() + 1L;
    }

    private void finishNewArea(long newBlocks) throws StorageException {
        table.extend(newBlocks);
        nextInNewArea = NORMAL;
        applying = false;
        applyQueued();
    }

    private void update(long block, int delta) throws StorageException {
        queue.add(block, delta);
        applyQueued();
    }

    private void applyQueued() throws StorageException {
        if (applying) {
            return;
        }
        applying = true;
        while (!queue.isEmpty()) {
            // The update stays at the head, where queries see it, until its bits are set.
            table.change(queue.headBlock(), queue.headDelta());
            queue.removeHead();
        }
        applying = false;
    }

    private Bitmap loadIndexEntry(int number) throws StorageException {
        MetadataBlock index = tx.read(indexLocation, BlockValidator.INDEX);
        int offset = MetadataBlock.HEADER_BYTES + IndexEntry.BYTES * number;
        return new Bitmap(number, IndexEntry.of(index.getLong(offset), index.getLong(offset + Long.BYTES)));
    }
}
