package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.NestedBTree;
import dev.gossamer.pdata.spacemap.SpaceMap;

/**
 * Tells exactly whether a device is the only one to see a data block, so that it may write in place (rules D-6, D-6a).
 *
 * <p>The time of a mapping is the first filter and the caller's business: it never says "exclusive" wrongly, but goes
 * on saying "shared" after the other side has gone. Counts decide then, those of all nodes on the way from the root
 * included, for two devices that share a leaf have every block in it with a count of 1 (D-5).
 *
 * <p>The running state is not enough. Say that B trims a block which it shares with A: A is the only one left to see
 * it, writes in place, and the power fails before the commit. B's mapping is back, and B reads what A wrote. So the
 * block must be exclusive in the committed state as well. That state is still on disk, trees and counts, because a
 * transaction never overwrites what the last commit uses; it is asked directly, and nothing has to be kept of what lost
 * references since.
 *
 * <p>While a transaction is being written, a crash may also lead to its state, between the two. It need not be asked if
 * whoever sees a block there, and not before, is the device that asks: snapshots, rollbacks and metadata snapshots are
 * committed while no other transaction is being written, and what is provisioned is its device's alone. Clones, merged
 * copies and relocations give a block to others, whichever transaction they are in:
 *
 * <ul>
 *   <li>In the one that is being written, any block may have got a second owner there, who has let go since: {@link
 *       PoolMetadata#isExclusive} says no to all.
 *   <li>In the running one, the device may have a block that was another's when the transaction was frozen. It did not
 *       have it at the commit, so that is asked of blocks that are mapped since.
 * </ul>
 *
 * <p>Costs two walks from the root, mostly in the cache. Worker's thread.
 */
final class ExclusiveCheck {
    private final NestedBTree mappings;
    private final SpaceMap dataMap;
    // Kept, for this runs for every write to a block that was shared once.
    private final BTreeCursor running;
    private final BTreeCursor committed;
    private final BTreeCursor upper;

    ExclusiveCheck(NestedBTree mappings, SpaceMap dataMap) {
        this.mappings = mappings;
        this.dataMap = dataMap;
        running = mappings.cursor();
        committed = mappings.cursor();
        upper = mappings.upperCursor(BTree.NO_TREE, 0);
    }

    /**
     * Whether a mapped block of a device is exclusive in the running state and in the one a crash would lead back to.
     *
     * @param ownIfNew whether what the device has got since the commit was free until then, and nobody's in between
     */
    boolean isExclusive(long runningRoot, long committedRoot, int id, long virtualBlock, boolean ownIfNew)
            throws StorageException {
        mappings.seek(running, runningRoot, id, virtualBlock);
        if (!running.next() || running.key() != virtualBlock) {
            return false;
        }
        long dataBlock = Mapping.dataBlock(running.value(0));
        return !dataMap.isShared(dataBlock)
                && !running.isPathShared()
                && !mappings.isUpperPathShared(runningRoot, id)
                && isExclusiveInCommitted(committedRoot, id, virtualBlock, dataBlock, ownIfNew);
    }

    private boolean isExclusiveInCommitted(long root, int id, long virtualBlock, long dataBlock, boolean ownIfNew)
            throws StorageException {
        long count = dataMap.committedCount(dataBlock);
        mappings.seek(committed, root, id, virtualBlock);
        boolean sameMapping = committed.next()
                && committed.key() == virtualBlock
                && Mapping.dataBlock(committed.value(0)) == dataBlock;
        if (!sameMapping) {
            // Mapped since the commit: whoever refers to the block there is somebody else.
            return ownIfNew && count == 0;
        }
        if (count > 1 || committed.isPathSharedInCommitted()) {
            return false;
        }
        upper.seek(root, id);
        return upper.next() && !upper.isPathSharedInCommitted();
    }
}
