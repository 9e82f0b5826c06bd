package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Moves a few data blocks, with all who share them, to others (RL-1). Worker's thread.
 *
 * <ol>
 *   <li>Finds the owners, and takes hold of their blocks: writes there wait, reads go on from the old data block.
 *   <li>Finds them again, for much may have happened while it waited; blocks with others than those that are held are
 *       left for the next time. From here on nobody else can get one: a snapshot, a clone waits for the holds.
 *   <li>Copies, with holds in place.
 *   <li>Finds them once more, as a deleted volume has changed its place or gone, and changes all mappings in one task
 *       and one transaction (RL-5). The commit's flush of the data device comes before its superblock (RL-4). What was
 *       left is free after that commit, when its readers have ended.
 * </ol>
 */
final class BlockMover {
    /** What came of it. */
    interface Moved extends MoveOutcome {
        /**
         * All that can be moved now has been.
         *
         * @param blocks how many
         * @param unreadable those that could not be copied, with their errno
         */
        void done(int blocks, Map<Long, Integer> unreadable);

        /**
         * Blocks were too many for one move, and are as they were: they can be moved with fewer beside them. Comes
         * before {@link #done}.
         */
        void leftOut(SortedMap<Long, Set<Long>> others);

        /**
         * One has more owners than can be moved together, by itself: it is as it was. Comes before {@link #done}.
         *
         * @param places virtual blocks at which it is known to be mapped
         */
        default void tooManyOwners(long dataBlock, Set<Long> places) {}
    }

    /** Where blocks are moved to. */
    interface Targets {
        /**
         * A reserved data block for one. What of it is not used is given back by the mover.
         *
         * @throws OutOfDataSpace if there is none
         */
        long reserve(long dataBlock) throws StorageException;
    }

    private final MoveParts parts;
    private final OwnedRanges owned;

    BlockMover(MoveParts parts) {
        this.parts = parts;
        this.owned = new OwnedRanges(parts.devices());
    }

    /**
     * Moves data blocks.
     *
     * @param places each block, with virtual blocks at which it is known to be mapped; owners at others leave it alone
     */
    void move(SortedMap<Long, Set<Long>> places, Moved moved) {
        move(places, block -> parts.reserveBlock(), moved);
    }

    /** As above, to targets of the caller's choice. */
    void move(SortedMap<Long, Set<Long>> places, Targets chosen, Moved moved) {
        new Batch(places, chosen, moved).start();
    }

    private final class Batch extends HeldMove {
        private final TreeMap<Long, Set<Long>> places;
        private final TreeMap<Long, Set<Long>> leftOut = new TreeMap<>();
        private Map.Entry<Long, Set<Long>> tooMany;
        private final Targets chosen;
        private final Moved moved;
        private final Map<Long, Long> targets = new HashMap<>();
        private Map<Long, Integer> unreadable = Map.of();
        private List<BlockCopies.Lost> lost = new ArrayList<>();

        Batch(SortedMap<Long, Set<Long>> places, Targets chosen, Moved moved) {
            super(parts, moved);
            this.chosen = chosen;
            this.places = new TreeMap<>(places);
            this.moved = moved;
        }

        void start() {
            try {
                List<HeldRange> ranges = owned.ranges(whole().owners());
                if (places.isEmpty()) {
                    done(0);
                } else {
                    hold(ranges, this::copy);
                }
            } catch (StorageException e) {
                moved.failed(e);
            }
        }

        /** The owners of all blocks that can be moved now; those that cannot are out of it. */
        private BlockMoves.Plan whole() throws StorageException {
            BlockMoves moves = parts.metadata().references().moves();
            BlockMoves.Plan plan = plan();
            Set<Long> out = new HashSet<>(plan.incomplete(places.keySet()));
            for (BlockMoves.Owner owner : plan.owners()) {
                if (moves.isCatalog(owner.deviceId())) {
                    out.add(owner.dataBlock());
                }
            }
            if (!out.isEmpty()) {
                places.keySet().removeAll(out);
                plan = plan();
            }
            if (!plan.isComplete()) {
                places.clear();
                plan = plan();
            }
            return plan;
        }

        /** The owners of as many blocks as can be planned for at once; the others are left out. */
        private BlockMoves.Plan plan() throws StorageException {
            TreeMap<Long, Set<Long>> all = new TreeMap<>(places);
            BlockMoves.Plan plan = planSome();
            if (plan == null) {
                tooMany = places.pollFirstEntry();
                all.remove(tooMany.getKey());
                plan = planSome();
            }
            plan.damaged().forEach(parts::damaged);
            all.keySet().removeAll(places.keySet());
            leftOut.putAll(all);
            return plan;
        }

        private BlockMoves.Plan planSome() throws StorageException {
            MoveLimits limits = parts.limits();
            return parts.metadata().references().moves().planSome(places, limits.together(), limits.alone());
        }

        private void leaveOutHalf() {
            int half = places.size() / 2;
            while (places.size() > half) {
                Map.Entry<Long, Set<Long>> last = places.pollLastEntry();
                leftOut.put(last.getKey(), last.getValue());
            }
        }

        /** Leaves out what has got owners whose blocks are not held. */
        private BlockMoves.Plan stillHeld() throws StorageException {
            BlockMoves.Plan plan = whole();
            Set<Long> out = owned.notHeld(held(), plan.owners());
            if (out.isEmpty()) {
                return plan;
            }
            places.keySet().removeAll(out);
            return stillHeld();
        }

        private void copy() throws StorageException {
            stillHeld();
            reserveTargets();
            parts.copies().copy(targets, moved.acceptsLosses(), afterCopies(this::copied));
        }

        /** For as many as there are; a client may have taken what was free a moment ago. */
        private void reserveTargets() throws StorageException {
            setsAside();
            for (long dataBlock : places.keySet()) {
                try {
                    targets.put(dataBlock, chosen.reserve(dataBlock));
                } catch (OutOfDataSpace full) {
                    if (targets.isEmpty()) {
                        throw MoveParts.noneFree(full);
                    }
                    break;
                }
            }
            places.keySet().retainAll(targets.keySet());
        }

        private void copied(BlockCopies.Result result) throws StorageException {
            if (result.writeErrno() != Errno.OK) {
                throw BlockCopies.unwritable(result.writeErrno());
            }
            unreadable = result.unreadable();
            lost = result.lost();
            places.keySet().removeAll(unreadable.keySet());
            BlockMoves.Plan[] plan = new BlockMoves.Plan[1];
            parts.change()
                    .whenRoom(
                            fewer -> {
                                plan[0] = stillHeld();
                                while (fewer && places.size() > 1 && !hasRoom(plan[0])) {
                                    leaveOutHalf();
                                    plan[0] = stillHeld();
                                }
                                return hasRoom(plan[0]) ? places.size() + 1 : 0;
                            },
                            blocks -> apply(plan[0]),
                            this::fail);
        }

        private boolean hasRoom(BlockMoves.Plan plan) throws StorageException {
            return parts.metadata().room().has(plan.cost());
        }

        private void apply(BlockMoves.Plan plan) throws StorageException {
            Map<Long, Long> used = new HashMap<>();
            for (long dataBlock : places.keySet()) {
                used.put(dataBlock, targets.remove(dataBlock));
            }
            Set<ThinDevice> devices = owned.devices(plan.owners());
            if (!used.isEmpty()) {
                parts.change().apply(devices, () -> plan.apply(used));
            }
            giveBack();
            lost.removeIf(part -> !used.containsKey(part.key()));
            if (!lost.isEmpty()) {
                moved.lost(plan.owners(), lost);
            }
            done(used.size());
        }

        private void done(int blocks) {
            if (!leftOut.isEmpty()) {
                moved.leftOut(leftOut);
            }
            if (tooMany != null) {
                moved.tooManyOwners(tooMany.getKey(), tooMany.getValue());
            }
            moved.done(blocks, unreadable);
        }

        @Override
        void giveBackTargets(boolean valid) {
            if (valid) {
                for (long unused : targets.values()) {
                    parts.metadata().unreserveDataBlock(unused);
                }
            }
            targets.clear();
        }
    }
}
