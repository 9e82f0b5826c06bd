package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.MetadataRoom;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/**
 * Makes the owners of one data block owners of another that holds the same bytes (DD-1). Worker's thread.
 *
 * <ol>
 *   <li>Finds all owners of both, and takes hold of their blocks: nothing is written there from then on.
 *   <li>Compares every byte. They are equal as long as the holds are there.
 *   <li>Finds the owners once more, and changes the mappings of the one block's in one task and one transaction; to all
 *       owners of both it looks shared from then on.
 * </ol>
 *
 * <p>Where something does not fit (an owner that was not known, bytes that differ, the catalog) both blocks stay as
 * they are.
 */
final class BlockMerger {
    /** Owners of both blocks, at most: what one step holds and marks. */
    private static final int MAX_OWNERS = 4096;

    /** Owners of a block of zeros, at most: each is unmapped by itself. */
    private static final int MAX_OWNERS_OF_ZEROS = 64;

    /** What came of it. */
    interface Merged extends MoveOutcome {
        void done(boolean merged);

        /**
         * They have more owners, or there are more trees to look at, than can be changed at once; or, of zeros, one is
         * over an external origin, which would show.
         */
        void tooManyOwners();
    }

    private final MoveParts parts;
    private final OwnedRanges owned;
    private final IntPredicate spared;

    /** @param spared devices, by id, whose blocks stay as they are */
    BlockMerger(MoveParts parts, IntPredicate spared) {
        this.parts = parts;
        this.spared = spared;
        this.owned = new OwnedRanges(parts.devices());
    }

    /**
     * Merges two blocks.
     *
     * @param gone the one that is to lose its owners
     * @param goneAt virtual blocks at which it is known to be mapped
     * @param kept the one that gets them
     */
    void merge(long gone, Set<Long> goneAt, long kept, Set<Long> keptAt, Merged merged) {
        new Pair(gone, goneAt, kept, keptAt, merged).start();
    }

    /**
     * Unmaps a block of zeros of all that have it (DD-3).
     *
     * @param places virtual blocks at which it is known to be mapped
     */
    void unmap(long zeros, Set<Long> places, Merged merged) {
        new Pair(zeros, places, zeros, places, merged).start();
    }

    private final class Pair extends HeldMove {
        private final long gone;
        private final long kept;
        private final TreeMap<Long, Set<Long>> both = new TreeMap<>();
        private final TreeMap<Long, Set<Long>> one = new TreeMap<>();
        private final Merged merged;
        private boolean equal = true;
        private boolean tooMany;

        Pair(long gone, Set<Long> goneAt, long kept, Set<Long> keptAt, Merged merged) {
            super(parts, merged);
            this.gone = gone;
            this.kept = kept;
            this.merged = merged;
            both.put(gone, goneAt);
            both.put(kept, keptAt);
            one.put(gone, goneAt);
        }

        void start() {
            guarded(() -> {
                BlockMoves.Plan plan = known();
                if (plan == null && tooMany) {
                    merged.tooManyOwners();
                    return;
                }
                if (plan == null) {
                    merged.done(false);
                    return;
                }
                hold(owned.ranges(plan.owners()), this::compare);
            });
        }

        /** All owners of both blocks; null if they cannot be told, or are too many. */
        private BlockMoves.Plan known() throws StorageException {
            BlockMoves moves = parts.metadata().references().moves();
            BlockMoves.Plan plan = moves.plan(both, parts.limits().pair());
            if (plan != null) {
                plan.damaged().forEach(parts::damaged);
            }
            tooMany = plan == null || plan.owners().size() > MAX_OWNERS;
            if (tooMany || !plan.incomplete(both.keySet()).isEmpty() || !plan.isComplete()) {
                return null;
            }
            Set<Long> met = new HashSet<>();
            for (BlockMoves.Owner owner : plan.owners()) {
                met.add(owner.dataBlock());
                if (moves.isCatalog(owner.deviceId())
                        || spared.test(owner.deviceId())
                        || (!isZeros() && parts.isPromised(owner.deviceId()))) {
                    return null;
                }
            }
            tooMany = isZeros() && !isUnmappable(plan);
            return met.size() == both.size() && !tooMany ? plan : null;
        }

        private boolean isZeros() {
            return gone == kept;
        }

        /** Each owner is a change of its own there, and an external origin would show. */
        private boolean isUnmappable(BlockMoves.Plan plan) {
            for (BlockMoves.Owner owner : plan.owners()) {
                ThinDevice device = parts.devices().withId(owner.deviceId());
                if (device != null && device.isOverExternalOrigin(owner.virtualBlock() * device.blockBytes())) {
                    return false;
                }
            }
            return plan.owners().size() <= MAX_OWNERS_OF_ZEROS;
        }

        private BlockMoves.Plan stillHeld() throws StorageException {
            BlockMoves.Plan plan = known();
            return plan == null || owned.notHeld(held(), plan.owners()).isEmpty() ? plan : null;
        }

        private void compare() throws StorageException {
            if (stillHeld() == null) {
                end(false);
                return;
            }
            BlockReads reads = parts.reads();
            if (isZeros()) {
                reads.read(
                        gone,
                        piece -> {
                            equal = BlockReads.isZero(piece);
                            return equal;
                        },
                        afterReads(this::compared));
                return;
            }
            reads.read(
                    gone,
                    kept,
                    (piece, other) -> {
                        equal = piece.mismatch(other) < 0;
                        return equal;
                    },
                    afterReads(this::compared));
        }

        private void compared(int errno) {
            if (errno != Errno.OK || !equal) {
                end(false);
                return;
            }
            BlockMoves.Plan[] all = new BlockMoves.Plan[1];
            parts.change()
                    .whenRoom(
                            fewer -> {
                                all[0] = stillHeld();
                                return all[0] == null || parts.metadata().room().has(cost(all[0])) ? 1 : 0;
                            },
                            blocks -> change(all[0]),
                            this::fail);
        }

        private long cost(BlockMoves.Plan plan) throws StorageException {
            if (isZeros()) {
                return parts.metadata().room().removalCost(plan.owners().getFirst());
            }
            return plan.cost()
                    + parts.metadata().room().recordsCost(plan.owners().size());
        }

        private void change(BlockMoves.Plan all) throws StorageException {
            if (all == null) {
                end(false);
                return;
            }
            if (isZeros()) {
                boolean[] unmapped = new boolean[1];
                parts.change().apply(owned.devices(all.owners()), () -> unmapped[0] = unmapAll(all.owners()));
                end(unmapped[0]);
                return;
            }
            Set<Integer> ids = new TreeSet<>();
            all.owners().forEach(owner -> ids.add(owner.deviceId()));
            int newest = all.newest();
            BlockMoves.Plan plan = parts.metadata()
                    .references()
                    .moves()
                    .plan(one, parts.limits().pair());
            parts.change().apply(owned.devices(all.owners()), () -> plan.merge(Map.of(gone, kept), ids, newest));
            end(true);
        }

        /** Each by itself: what one removal takes depends on those before it. @return whether there was room for all */
        private boolean unmapAll(List<BlockMoves.Owner> owners) throws StorageException {
            for (BlockMoves.Owner owner : owners) {
                MetadataRoom room = parts.metadata().room();
                if (!room.has(room.removalCost(owner))) {
                    return false;
                }
                ThinDevice device = parts.devices().withId(owner.deviceId());
                if (device != null) {
                    parts.change().replaced(device, owner.virtualBlock(), owner.virtualBlock() + 1);
                }
                parts.metadata().removeRange(owner.deviceId(), owner.virtualBlock(), owner.virtualBlock() + 1);
            }
            return true;
        }

        private void end(boolean changed) {
            giveBack();
            merged.done(changed);
        }

        /** None are: both blocks are somebody's. */
        @Override
        void giveBackTargets(boolean valid) {}
    }
}
