package dev.gossamer.pdata.block;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The metadata blocks of one device: a bounded cache that checks what it reads and seals what it writes.
 *
 * <p>Clean blocks are evicted by a clock. Changed ones stay until they are written: if one transaction changes more
 * blocks than the cache holds, the cache grows by them, and keeps the memory until it is closed.
 *
 * <p>Reading waits for the device; {@link #readAhead} does not. Owned by one thread, the pool worker.
 */
public final class BlockManager implements AutoCloseable {
    /** Memory is taken in pieces of this many frames: 2 MiB, the size of a large page. */
    private static final int SLAB_FRAMES = 512;

    /** A walk holds at most a node, its child and a sibling or two; a few dozen frames would do. */
    private static final int MIN_CACHE_BLOCKS = 64;

    private final BlockingIo io;
    private final int cacheBlocks;
    // Never evict more than this leaves: clean blocks stay easy to find for the clock, and inner nodes stay cached.
    private final int cleanBlocksMin;
    private final ReadAhead readAhead;
    private final CRC32C crc = new CRC32C();
    private final BlockTable table = new BlockTable();
    private final List<IoBufferPool> slabs = new ArrayList<>();
    private final List<Frame> frames = new ArrayList<>();
    private final ArrayList<Frame> freeFrames = new ArrayList<>();
    private final TransactionWriter writer;
    // In no order; each block knows its place.
    private ArrayList<MetadataBlock> dirty = new ArrayList<>();
    private long deviceBlocks;
    private int clockHand;
    private int frozenBlocks;
    private long visits;
    private long reads;

    /**
     * @param deviceBlocks whole 4 KiB blocks of the metadata device
     * @param cacheBlocks blocks kept in memory, 4 KiB each; at least 64
     */
    public BlockManager(BlockingIo metadataDevice, long deviceBlocks, int cacheBlocks) {
        if (cacheBlocks < MIN_CACHE_BLOCKS) {
            throw new IllegalArgumentException("the metadata cache needs at least " + MIN_CACHE_BLOCKS + " blocks");
        }
        this.io = metadataDevice;
        this.deviceBlocks = deviceBlocks;
        this.cacheBlocks = cacheBlocks;
        this.cleanBlocksMin = cacheBlocks / 4;
        this.readAhead = new ReadAhead(this, metadataDevice.device());
        this.writer = new TransactionWriter(this, metadataDevice);
    }

    /** Whole blocks of the device; a block at or beyond this number is never read or written. */
    public long deviceBlocks() {
        return deviceBlocks;
    }

    /** Takes a grown device into use. Growing the metadata space map comes after. */
    public void grow(long newDeviceBlocks) {
        Invariant.check(newDeviceBlocks >= deviceBlocks, "a metadata device cannot shrink");
        deviceBlocks = newDeviceBlocks;
    }

    /**
     * A block for reading, from the cache or from the device.
     *
     * @throws MetadataCorrupt if it is not a block of this kind, or not the one that was written to this place
     */
    public MetadataBlock read(long location, BlockValidator validator) throws StorageException {
        visits++;
        MetadataBlock block = table.get(location);
        if (block == null) {
            return load(location, validator);
        }
        if (block.validator() != validator) {
            throw new MetadataCorrupt(
                    "metadata block " + location + " is referred to as " + validator + " and as " + block.validator());
        }
        block.touched = true;
        return block;
    }

    /** Whether {@link #read} finds the block without waiting. */
    public boolean isCached(long location) {
        return table.get(location) != null;
    }

    /** Brings blocks into the cache without waiting. */
    public ReadAhead readAhead() {
        return readAhead;
    }

    /** A block for writing, all zero, whatever the device holds there. */
    public MetadataBlock newBlock(long location, BlockValidator validator) throws StorageException {
        checkLocation(location, validator);
        readAhead.voidAt(location);
        MetadataBlock old = table.get(location);
        if (old != null) {
            Invariant.check(old.state() == State.CLEAN, "a changed metadata block was allocated again");
            drop(old);
        }
        MetadataBlock block = place(takeFrame(), location, validator, State.DIRTY);
        block.zero(0, MetadataBlock.BYTES);
        if (location != 0) {
            block.dirtyIndex = dirty.size();
            dirty.add(block);
        }
        return block;
    }

    /** Whether a block was made by {@link #newBlock} and not frozen since. */
    public boolean isDirty(long location) {
        MetadataBlock block = table.get(location);
        return block != null && block.state() == State.DIRTY;
    }

    /** Blocks that the next {@link #freeze} would take. */
    public int dirtyBlocks() {
        return dirty.size();
    }

    /** Drops a dirty block that nothing refers to any more: there is no point in writing it. */
    public void forget(long location) {
        MetadataBlock block = table.get(location);
        Invariant.check(block != null && block.state() == State.DIRTY, "forgot a block that is not dirty");
        MetadataBlock last = dirty.removeLast();
        if (last != block) {
            dirty.set(block.dirtyIndex, last);
            last.dirtyIndex = block.dirtyIndex;
        }
        drop(block);
    }

    /**
     * Ends the changing of all dirty blocks: they become read-only and are to be written by {@link #writer}. They stay
     * in the cache until they have been.
     */
    public FrozenTransaction freeze() {
        List<MetadataBlock> frozen = dirty;
        dirty = new ArrayList<>();
        frozen.sort(Comparator.comparingLong(MetadataBlock::location));
        frozen.forEach(this::seal);
        frozenBlocks += frozen.size();
        return new FrozenTransaction(frozen, null);
    }

    /**
     * Adds the superblock that shall refer to the frozen blocks, and is written when they are stable.
     *
     * @param superblock from {@link #superblockForUpdate} or {@link #newSuperblock}
     */
    public FrozenTransaction freeze(FrozenTransaction frozen, MetadataBlock superblock) {
        Invariant.check(superblock.location() == 0 && superblock.isWritable(), "not the superblock for update");
        seal(superblock);
        return new FrozenTransaction(frozen.blocks(), superblock);
    }

    /** Writes what is frozen. */
    public TransactionWriter writer() {
        return writer;
    }

    /** The blocks of a frozen transaction are where they belong: they need not stay in the cache any more. */
    void written(List<MetadataBlock> blocks) {
        for (MetadataBlock block : blocks) {
            block.setState(State.CLEAN);
        }
        frozenBlocks -= blocks.size();
        evictSurplus();
    }

    /**
     * The superblock for changing in place, the only block that is ever written where a commit refers to it. Not while
     * another commit is being written: the cache has one.
     */
    public MetadataBlock superblockForUpdate() throws StorageException {
        Invariant.check(writer.isIdle(), "two superblocks under way");
        MetadataBlock superblock = read(0, BlockValidator.SUPERBLOCK);
        superblock.setState(State.DIRTY);
        return superblock;
    }

    /** A zeroed superblock, for formatting. */
    public MetadataBlock newSuperblock() throws StorageException {
        return newBlock(0, BlockValidator.SUPERBLOCK);
    }

    /** Forgets everything that is not on the device, and begins no further write: the abort of a transaction. */
    public void discardCache() {
        writer.cancel();
        for (Frame frame : frames) {
            if (frame.resident != null) {
                drop(frame.resident);
            }
        }
        dirty.clear();
        frozenBlocks = 0;
    }

    /** Blocks looked at so far, from the cache or from the device. */
    public long visits() {
        return visits;
    }

    /** Blocks read from the device so far. */
    public long reads() {
        return reads;
    }

    /** Blocks written to the device so far. */
    public long writes() {
        return writer.writes();
    }

    /** Blocks in memory now. */
    public int residentBlocks() {
        return frames.size() - freeFrames.size();
    }

    @Override
    public void close() {
        discardCache();
        writer.close();
        for (IoBufferPool slab : slabs) {
            slab.close();
        }
        readAhead.close();
    }

    /** Whether a block of this kind can be at this location. */
    boolean isReadable(long location, BlockValidator validator) {
        try {
            checkLocation(location, validator);
            return true;
        } catch (MetadataCorrupt e) {
            return false;
        }
    }

    /** Takes a block in that was read ahead, unless it is damaged. @return whether it is in the cache now */
    boolean takeIn(long location, BlockValidator validator, IoBuffer page) {
        if (isCached(location)) {
            return true;
        }
        Frame frame = takeFrame();
        frame.slab.copyFrom(frame.slabOffsetBytes, page, 0, MetadataBlock.BYTES);
        reads++;
        try {
            check(frame, location, validator);
        } catch (MetadataCorrupt e) {
            freeFrames.add(frame);
            return false;
        }
        place(frame, location, validator, State.CLEAN);
        return true;
    }

    private MetadataBlock load(long location, BlockValidator validator) throws StorageException {
        checkLocation(location, validator);
        Frame frame = takeFrame();
        boolean loaded = false;
        try {
            io.read(location * MetadataBlock.BYTES, frame.slab, frame.slabOffsetBytes, MetadataBlock.BYTES);
            reads++;
            check(frame, location, validator);
            loaded = true;
        } finally {
            if (!loaded) {
                freeFrames.add(frame);
            }
        }
        return place(frame, location, validator, State.CLEAN);
    }

    private void check(Frame frame, long location, BlockValidator validator) throws MetadataCorrupt {
        long ownLocation = frame.memory.readLong(BlockValidator.LOCATION_OFFSET);
        if (ownLocation != location) {
            throw new MetadataCorrupt("metadata block " + location + " (" + validator + ") says that it is block "
                    + Long.toUnsignedString(ownLocation));
        }
        int stored = frame.memory.readInt(BlockValidator.CHECKSUM_OFFSET);
        int computed = frame.checksum(crc, validator);
        if (stored != computed) {
            throw new MetadataCorrupt(String.format(
                    "metadata block %d (%s) has checksum 0x%08x, its contents give 0x%08x",
                    location, validator, stored, computed));
        }
    }

    private void checkLocation(long location, BlockValidator validator) throws MetadataCorrupt {
        if (location < 0 || location >= deviceBlocks) {
            throw new MetadataCorrupt("metadata block " + Long.toUnsignedString(location) + " (" + validator
                    + ") lies beyond the metadata device of " + deviceBlocks + " blocks");
        }
        if (location == 0 && validator != BlockValidator.SUPERBLOCK) {
            throw new MetadataCorrupt("metadata block 0 is the superblock, but is referred to as " + validator);
        }
    }

    private void seal(MetadataBlock block) {
        block.setState(State.FROZEN);
        block.frame.memory.writeLong(BlockValidator.LOCATION_OFFSET, block.location());
        block.frame.memory.writeInt(BlockValidator.CHECKSUM_OFFSET, block.frame.checksum(crc, block.validator()));
    }

    private MetadataBlock place(Frame frame, long location, BlockValidator validator, State state) {
        MetadataBlock block = new MetadataBlock(frame, location, validator, state);
        frame.resident = block;
        table.add(block);
        return block;
    }

    private void drop(MetadataBlock block) {
        table.remove(block);
        block.setState(State.EVICTED);
        block.frame.resident = null;
        freeFrames.add(block.frame);
    }

    private Frame takeFrame() {
        if (residentBlocks() >= cacheBlocks && cleanBlocks() > cleanBlocksMin) {
            evictOne();
        }
        if (freeFrames.isEmpty()) {
            addSlab();
        }
        return freeFrames.removeLast();
    }

    private void evictSurplus() {
        while (residentBlocks() > cacheBlocks && cleanBlocks() > cleanBlocksMin) {
            evictOne();
        }
    }

    private int cleanBlocks() {
        return residentBlocks() - dirty.size() - frozenBlocks;
    }

    // There is a clean block. The first round of the clock takes back second chances, the second finds one without.
    private void evictOne() {
        MetadataBlock victim = null;
        while (victim == null) {
            clockHand = clockHand + 1 < frames.size() ? clockHand + 1 : 0;
            MetadataBlock block = frames.get(clockHand).resident;
            // The superblock is needed at every commit, where nobody should have to wait for it.
            if (block != null && block.state() == State.CLEAN && block.location() != 0) {
                if (!block.touched) {
                    victim = block;
                }
                block.touched = false;
            }
        }
        drop(victim);
    }

    private void addSlab() {
        IoBufferPool pool = new IoBufferPool(SLAB_FRAMES * MetadataBlock.BYTES);
        slabs.add(pool);
        IoBuffer slab = pool.acquire(SLAB_FRAMES * MetadataBlock.BYTES);
        // Backwards, because frames are taken from the end: neighbours in time are then neighbours in memory.
        for (int i = SLAB_FRAMES - 1; i >= 0; i--) {
            Frame frame = new Frame(slab, i * MetadataBlock.BYTES);
            frames.add(frame);
            freeFrames.add(frame);
        }
    }
}
