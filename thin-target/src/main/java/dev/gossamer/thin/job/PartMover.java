package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/**
 * Gives the owners of a data block another one that holds the same bytes, some of them at a time: for a block that has
 * more owners, or may have them in more trees, than can be looked for, held and changed at once. In between some have
 * the one block and some the other, which is as good a state as any: nobody writes in place to a block that two have.
 *
 * <ol>
 *   <li>Finds some owners, and takes hold of their blocks, and of one owner of the other block, its witness. While that
 *       one is held, and has it, nobody writes to the other block: neither that owner, nor any other, who is not alone.
 *       The same is true of the first block and those who are to leave it.
 *   <li>Copies it, the first time; compares the two from then on (DD-1). Where they differ, as the other one had come
 *       to have one owner for a while, it copies to a new one.
 *   <li>Finds these owners once more, and changes their mappings in one task and one transaction. A node that others
 *       lead to as well stays, for these, and gets a second version.
 * </ol>
 *
 * <p>Worker's thread.
 */
final class PartMover {
    /** A block on its way, from step to step. */
    static final class Block {
        private final long from;
        private final SortedSet<Long> places;
        // Where to look next, and whether all behind the first such place was looked at.
        private BlockMoves.Position next;
        private boolean aroundOnce;
        private boolean done;
        // The other block, and who has it; null: to be copied to a new one.
        private BlockMoves.Owner witness;
        private final boolean isGiven;

        /**
         * One to be copied.
         *
         * @param places where it is known to be mapped
         * @param witness who has the copy by now; null: there is none yet
         */
        static Block toNew(long from, Set<Long> places, BlockMoves.Owner witness) {
            return new Block(from, places, BlockMoves.Position.START, witness, false);
        }

        /**
         * One to be merged into what somebody else has.
         *
         * @param first an owner of the one, to begin with
         * @param other the other, as an owner of it has it
         */
        static Block toOther(BlockMoves.Owner first, Set<Long> places, BlockMoves.Owner other) {
            BlockMoves.Position start = new BlockMoves.Position(first.deviceId(), 0);
            return new Block(first.dataBlock(), places, start, other, true);
        }

        private Block(
                long from, Set<Long> places, BlockMoves.Position start, BlockMoves.Owner witness, boolean isGiven) {
            this.from = from;
            this.places = new TreeSet<>(places);
            this.next = start;
            this.aroundOnce = start.equals(BlockMoves.Position.START);
            this.witness = witness;
            this.isGiven = isGiven;
        }

        /** Who has the other block; null if nobody has yet. */
        BlockMoves.Owner witness() {
            return witness;
        }

        long from() {
            return from;
        }

        /** Where it is known to be mapped. */
        Set<Long> places() {
            return places;
        }

        /** Whether nobody has it any more. */
        boolean isDone() {
            return done;
        }

        private void goOn(BlockMoves.Position to) {
            next = to;
            if (to == null && !aroundOnce) {
                aroundOnce = true;
                next = BlockMoves.Position.START;
            }
        }
    }

    /** What came of a step. */
    interface Moved extends MoveOutcome {
        /**
         * Tells how far it has come.
         *
         * @param owners that have the other block now
         * @param more there is another step to be made
         */
        void done(int owners, boolean more);

        /** It cannot be read, and stays with those that still have it. */
        void unreadable(int errno);
    }

    private final MoveParts parts;
    private final PoolMetadata metadata;
    private final OwnedRanges owned;
    private final IntPredicate spared;

    /** @param spared devices, by id, whose blocks stay as they are */
    PartMover(MoveParts parts, IntPredicate spared) {
        this.parts = parts;
        this.spared = spared;
        this.metadata = parts.metadata();
        this.owned = new OwnedRanges(parts.devices());
    }

    /** Does the next step. */
    void step(Block block, Moved moved) {
        new Step(block, moved).start();
    }

    private BlockMoves moves() {
        return metadata.references().moves();
    }

    private final class Step extends HeldMove {
        private final Block block;
        private final Moved moved;
        private BlockMoves.Part part;
        private long target = Mapping.NONE;
        private boolean equal = true;
        private List<BlockCopies.Lost> lost = List.of();

        Step(Block block, Moved moved) {
            super(parts, moved);
            this.block = block;
            this.moved = moved;
        }

        void start() {
            guarded(() -> {
                look();
                if (!isMovable()) {
                    moved.done(0, false);
                } else if (part.plan().owners().isEmpty()) {
                    goOn(0);
                } else {
                    hold(owned.ranges(all()), this::fill);
                }
            });
        }

        private void look() throws StorageException {
            part = moves().part(
                            block.from, block.places, block.next, parts.limits().part());
            part.plan().damaged().forEach(parts::damaged);
        }

        /** The catalog is not moved, nor what a metadata snapshot has; nor anything of a volume that is damaged. */
        private boolean isMovable() throws StorageException {
            for (BlockMoves.Owner owner : all()) {
                if (moves().isCatalog(owner.deviceId())
                        || spared.test(owner.deviceId())
                        || (block.isGiven && parts.isPromised(owner.deviceId()))) {
                    return false;
                }
            }
            return part.plan().damaged().isEmpty() && part.plan().isUpperLevelOwn();
        }

        /** Those who are to leave, and who has the other block. */
        private List<BlockMoves.Owner> all() {
            List<BlockMoves.Owner> all = new ArrayList<>(part.plan().owners());
            if (block.witness != null) {
                all.add(block.witness);
            }
            return all;
        }

        /** Looks again. @return whether all that it has found is held, and may be moved */
        private boolean isStillHeld() throws StorageException {
            look();
            return isMovable()
                    && !part.plan().owners().isEmpty()
                    && owned.notHeld(held(), all()).isEmpty();
        }

        private boolean hasWitness() throws StorageException {
            BlockMoves.Owner witness = block.witness;
            long mapping = metadata.lookup(witness.deviceId(), witness.virtualBlock());
            return mapping != Mapping.NONE && Mapping.dataBlock(mapping) == witness.dataBlock();
        }

        private void fill() throws StorageException {
            if (!isStillHeld()) {
                // Somebody has got the block, or let go of it, while it waited: from here once more.
                giveBack();
                moved.done(0, true);
            } else if (block.witness == null) {
                copy();
            } else if (hasWitness()) {
                parts.reads()
                        .read(
                                block.from,
                                block.witness.dataBlock(),
                                (piece, other) -> {
                                    equal = piece.mismatch(other) < 0;
                                    return equal;
                                },
                                afterReads(this::compared));
            } else {
                differs();
            }
        }

        private void compared(int errno) throws StorageException {
            if (errno == Errno.OK && equal) {
                change();
            } else {
                differs();
            }
        }

        /** Or cannot be told to be the same. */
        private void differs() throws StorageException {
            if (block.isGiven) {
                giveBack();
                moved.done(0, false);
            } else {
                block.witness = null;
                copy();
            }
        }

        private void copy() throws StorageException {
            setsAside();
            try {
                target = parts.reserveBlock();
            } catch (OutOfDataSpace full) {
                throw MoveParts.noneFree(full);
            }
            parts.copies().copy(Map.of(block.from, target), moved.acceptsLosses(), afterCopies(this::copied));
        }

        private void copied(BlockCopies.Result result) throws StorageException {
            if (result.writeErrno() != Errno.OK) {
                throw BlockCopies.unwritable(result.writeErrno());
            }
            if (!result.unreadable().isEmpty()) {
                int errno = result.unreadable().get(block.from);
                giveBack();
                moved.unreadable(errno);
                return;
            }
            lost = result.lost();
            change();
        }

        private void change() {
            boolean[] fits = new boolean[1];
            parts.change()
                    .whenRoom(
                            fewer -> {
                                fits[0] = isStillHeld() && (block.witness == null || hasWitness());
                                return !fits[0] || metadata.room().has(cost()) ? 1 : 0;
                            },
                            blocks -> apply(fits[0]),
                            this::fail);
        }

        private long cost() throws StorageException {
            int devices = owned.devices(all()).size() + 1;
            return part.plan().cost() + metadata.room().recordsCost(devices);
        }

        private void apply(boolean fits) throws StorageException {
            if (!fits) {
                giveBack();
                moved.done(0, true);
                return;
            }
            List<BlockMoves.Owner> owners = part.plan().owners();
            if (block.witness == null) {
                parts.change().apply(owned.devices(owners), () -> {
                    long used = target;
                    target = Mapping.NONE;
                    part.plan().apply(Map.of(block.from, used));
                    BlockMoves.Owner first = owners.getFirst();
                    block.witness = new BlockMoves.Owner(first.deviceId(), first.virtualBlock(), used);
                });
            } else {
                merge();
            }
            giveBack();
            if (!lost.isEmpty()) {
                moved.lost(owners, lost);
            }
            goOn(owners.size());
        }

        /** To all of them, and to who may have had the other block alone until now, it looks shared (CL-5). */
        private void merge() throws StorageException {
            BlockMoves.Owner witness = block.witness;
            Set<Integer> ids = new TreeSet<>();
            all().forEach(owner -> ids.add(owner.deviceId()));
            int time = Mapping.time(metadata.lookup(witness.deviceId(), witness.virtualBlock()));
            int newest = Math.max(part.plan().newest(), time);
            parts.change().apply(owned.devices(all()), () -> part.plan()
                    .merge(Map.of(block.from, witness.dataBlock()), ids, newest));
        }

        private void goOn(int owners) throws StorageException {
            block.goOn(part.next());
            block.done = !moves().isOwned(block.from);
            moved.done(owners, block.next != null && !block.done);
        }

        @Override
        void giveBackTargets(boolean valid) {
            if (target != Mapping.NONE && valid) {
                metadata.unreserveDataBlock(target);
            }
            target = Mapping.NONE;
        }
    }
}
