package dev.gossamer.pdata.tx;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.block.MetadataBlock;
import java.util.ArrayList;
import java.util.List;

/**
 * The running transaction of a pool's metadata. {@link #shadow} and {@link #newBlock} are the only ways to a writable
 * block, so no block that the last commit refers to can be changed.
 *
 * <p>A transaction begins with its first change and ends in one of two ways.
 *
 * <ul>
 *   <li><em>Commit</em>. The caller puts its own changes into trees, then calls {@link #preCommit}: space maps go into
 *       blocks, and nothing can be changed any more. Now the roots are final: the caller puts them into {@link
 *       #superblockForUpdate} and calls {@link #freeze}. The next transaction begins there, while the frozen one is
 *       written: its blocks, a flush, and then the superblock ({@link dev.gossamer.pdata.block.TransactionWriter}).
 *       That one write, of which only the first sector changes, is the commit: a crash before it leaves the previous
 *       state, after it the new one. Then comes {@link #committed}. One transaction is written at a time. {@link
 *       #commit} does it all and waits.
 *   <li><em>Abort</em>: after any {@link StorageException} out of a changing call, the state in memory is half changed.
 *       The caller drops all objects of this package and those above, calls {@link BlockManager#discardCache} and opens
 *       anew from the superblock.
 * </ul>
 *
 * <p>Owned by one thread, the pool worker.
 */
public final class TransactionManager {
    private final BlockManager blocks;
    private final List<CommitParticipant> participants = new ArrayList<>();
    private MetadataAllocator allocator;
    // Between the two phases of a commit, else null.
    private FrozenTransaction frozenBlocks;
    private long changes;

    public TransactionManager(BlockManager blocks) {
        this.blocks = blocks;
    }

    /** The metadata space map makes itself known; once, before anything else. */
    public void attachAllocator(MetadataAllocator newAllocator) {
        Invariant.check(allocator == null, "a transaction manager has one metadata space map");
        allocator = newAllocator;
    }

    /** Adds something that must be flushed before the metadata space map: the data space map. */
    public void addParticipant(CommitParticipant participant) {
        participants.add(participant);
    }

    public BlockManager blocks() {
        return blocks;
    }

    /**
     * A block for reading. The object is good until the next call that reads or changes another block; keep the
     * location rather than the object.
     *
     * @throws dev.gossamer.pdata.MetadataCorrupt if the block is not what it should be
     */
    public MetadataBlock read(long location, BlockValidator validator) throws StorageException {
        return blocks.read(location, validator);
    }

    /** A zeroed block with count 1, writable until the commit. */
    public MetadataBlock newBlock(BlockValidator validator) throws StorageException {
        changes++;
        return blocks.newBlock(allocator.allocate(), validator);
    }

    /**
     * A writable version of a block: itself if it is private to this transaction, otherwise a copy at a new location,
     * which the caller stores where it found the old one, without touching counts. A block that is new in this
     * transaction but shared is copied as well.
     *
     * @param children told to add references if the old block keeps other parents
     */
    public MetadataBlock shadow(long location, BlockValidator validator, ChildReferences children)
            throws StorageException {
        changes++;
        boolean shared = isShared(location);
        if (!shared && blocks.isDirty(location)) {
            return blocks.read(location, validator);
        }
        MetadataBlock copy = blocks.newBlock(allocator.allocate(), validator);
        allocator.decrement(location);
        copy.copyFrom(blocks.read(location, validator));
        if (shared) {
            children.increment(copy);
        }
        return copy;
    }

    /** Whether {@link #shadow} would copy a block; one that is shared is copied in any case. */
    public boolean isCommittedBlock(long location) {
        return !blocks.isDirty(location);
    }

    /** Whether more than one parent refers to the block. */
    public boolean isShared(long location) throws StorageException {
        return allocator.count(location) > 1;
    }

    /** Whether more than one parent refers to the block in the state of the last commit. */
    public boolean isSharedInCommitted(long location) throws StorageException {
        return allocator.committedCount(location) > 1;
    }

    /** How many parents and roots refer to the block. */
    public long count(long location) throws StorageException {
        return allocator.count(location);
    }

    public void increment(long location) throws StorageException {
        changes++;
        allocator.increment(location);
    }

    /** Drops one reference. What the block refers to is the caller's business when this was the last one. */
    public void decrement(long location) throws StorageException {
        changes++;
        allocator.decrement(location);
        if (blocks.isDirty(location) && allocator.count(location) == 0) {
            blocks.forget(location);
        }
    }

    /**
     * Grows with every step that may have changed anything. An operation that fails while this stands still has changed
     * nothing.
     */
    public long changes() {
        return changes;
    }

    /** Whether a commit would have anything to write, the superblock's own fields aside. */
    public boolean hasChanges() {
        return blocks.dirtyBlocks() > 0;
    }

    /** First phase: space maps into blocks, and no more changes. The roots to store are final afterwards. */
    public void preCommit() throws StorageException {
        // The metadata space map comes last, because flushing the others allocates metadata blocks.
        for (CommitParticipant participant : participants) {
            participant.flushChanges();
        }
        allocator.flushChanges();
        frozenBlocks = blocks.freeze();
    }

    /** The superblock, writable. Ask between {@link #preCommit} and {@link #freeze}. */
    public MetadataBlock superblockForUpdate() throws StorageException {
        return blocks.superblockForUpdate();
    }

    /** A zeroed superblock for the first commit of a device that is being formatted. */
    public MetadataBlock newSuperblock() throws StorageException {
        return blocks.newSuperblock();
    }

    /** Second phase: what is returned is to be written; from then on changes belong to the next transaction. */
    public FrozenTransaction freeze(MetadataBlock superblock) {
        Invariant.check(blocks.dirtyBlocks() == 0, "metadata changed between the two phases of a commit");
        FrozenTransaction frozen = blocks.freeze(frozenBlocks, superblock);
        frozenBlocks = null;
        participants.forEach(CommitParticipant::frozen);
        allocator.frozen();
        return frozen;
    }

    /** What was frozen last is stable: it is the committed state now. */
    public void committed() {
        participants.forEach(CommitParticipant::committed);
        allocator.committed();
    }

    /**
     * Second phase for a caller who waits: freezes, writes, and returns when the current state is the committed one.
     */
    public void commit(MetadataBlock superblock) throws StorageException {
        blocks.writer().writeNow(freeze(superblock), null);
        committed();
    }
}
