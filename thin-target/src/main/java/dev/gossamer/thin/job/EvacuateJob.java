package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.LostRange;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.OwnerSearch;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceWaiters;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Empties a range of data blocks: moves what is in it elsewhere, with all who share it (RL-1 to RL-6). From its start
 * on nothing is allocated there.
 *
 * <p>In passes: a search through all mappings finds who has blocks of a window of the range, which ends where memory
 * for them does; then they are moved, a batch at a time, and the next window begins there. What a round of these has
 * missed, because trees have changed under it, is found by the next one. A block with too many owners for a batch is
 * moved with some of them at a time. It is done when no block of the range is counted.
 */
final class EvacuateJob extends Job {
    /** Nodes of the mapping trees that one step reads: some milliseconds, if they come from the disk. */
    private static final int SEARCH_NODES = 64;

    /** Blocks that are moved together, unless they are large, or have very many owners. */
    private static final int BATCH_BLOCKS = 32;

    /** Bytes that are moved together, but for one block that is larger: what a hold waits for (RL-7). */
    private static final long BATCH_BYTES = 4L << 20;

    /** Blocks with too many owners of which is remembered where some of these are; others are copied once more. */
    private static final int MAX_BY_PARTS = 1024;

    /** Rounds in a row that brought nothing to an end. */
    private static final int MAX_IDLE_ROUNDS = 5;

    /** What becomes of the range once nothing is in it, and if it is given up. */
    interface Ending {
        /** The range is empty, in the running transaction. Tells the step's end. */
        void emptied(StepEnd end) throws StorageException;

        /** The range is given up: it is open again, but for what was closed before. */
        void givenUp();

        /** What was asked for. */
        JobRequest request();

        /** Whether zeros will do for places that are bad. */
        default boolean acceptsLosses() {
            return false;
        }

        /** Whether the range is the end of the device, and will be no more. */
        default boolean cutsOff() {
            return false;
        }
    }

    private final MoveParts parts;
    private final PoolMetadata metadata;
    private final SpaceWaiters waiters;
    private final BlockMover mover;
    private final PartMover partMover;
    private final long from;
    private final long to;
    private final Ending ending;
    private final int blockBytes;
    private final long inUseAtStart;
    private final TreeMap<Long, Set<Long>> found = new TreeMap<>();
    private final Losses losses;
    private final OwnerSearch search;
    // Of those with too many owners: an owner of where some of them are; and the one that is being moved.
    private final TreeMap<Long, BlockMoves.Owner> byParts = new TreeMap<>();
    private PartMover.Block current;
    // Blocks of which all places are looked for now.
    private long windowFrom;
    private long windowTo;
    private boolean searching = true;
    private int remembered;
    // The first one is at more places than are remembered.
    private boolean capped;
    private final int maxFound;
    private int most = BATCH_BLOCKS;
    private int idleRounds;
    private boolean movedInRound;
    private boolean kept;
    private long movedBlocks;

    /**
     * Closes the range.
     *
     * @param to exclusive
     */
    EvacuateJob(String kind, MoveParts parts, BlockMover mover, long from, long to, Losses losses, Ending ending)
            throws StorageException {
        super(kind, describe(parts.metadata().blockBytes(), from, to));
        this.parts = parts;
        this.metadata = parts.metadata();
        this.waiters = parts.waiters();
        this.mover = mover;
        this.partMover = new PartMover(parts, id -> false);
        this.maxFound = parts.limits().places();
        this.from = from;
        this.to = to;
        this.windowFrom = from;
        this.windowTo = to;
        this.losses = losses;
        this.ending = ending;
        this.blockBytes = metadata.blockBytes();
        if (ending.cutsOff()) {
            metadata.references().moves().closeEnd(from);
        } else {
            metadata.references().moves().close(from, to);
        }
        search = metadata.references().moves().search(parts::damaged);
        inUseAtStart = inUse();
    }

    private static String describe(long blockBytes, long from, long to) {
        return "bytes " + from * blockBytes + "+" + (to - from) * blockBytes + " of the data device";
    }

    private long inUse() {
        return metadata.references().moves().inUse(from, to);
    }

    @Override
    protected long doneBytes() {
        return Math.max(0, inUseAtStart - inUse()) * blockBytes;
    }

    @Override
    protected long totalBytes() {
        return inUseAtStart * blockBytes;
    }

    @Override
    protected String message() {
        return (searching ? "searching for owners" : "moving") + ", " + inUse() * blockBytes + " bytes left";
    }

    /** The range stays closed when the job is over. */
    void keepClosed() {
        kept = true;
    }

    /** What has become of the range's contents. */
    String result() {
        return "moved " + movedBlocks * blockBytes + " bytes" + losses.summary();
    }

    @Override
    protected List<LostRange> lost() {
        return losses.lost();
    }

    @Override
    protected JobRequest request() {
        return ending.request();
    }

    @Override
    protected String waitsFor() {
        return parts.waitsForPins();
    }

    @Override
    protected void ended() {
        if (!kept) {
            ending.givenUp();
            waiters.spaceReleased();
        }
    }

    @Override
    protected void step(StepEnd end) throws StorageException {
        if (inUse() == 0) {
            ending.emptied(end);
        } else if (losses.isFull()) {
            throw losses.refusal(ending.acceptsLosses());
        } else if (current != null) {
            movePart(end);
        } else if (searching) {
            search();
            end.next();
        } else if (found.isEmpty()) {
            nextPass();
            end.next();
        } else {
            moveBatch(end);
        }
    }

    private void search() throws StorageException {
        search.step(windowFrom, windowTo, SEARCH_NODES, owner -> {
            note(owner);
            return true;
        });
        searching = !search.isEnded();
    }

    /**
     * Where memory ends, it is the last blocks that are left out, for the others are moved with all that have them. Of
     * one that alone is at more places those that are left out are found by the next round.
     */
    private void note(BlockMoves.Owner owner) {
        long dataBlock = owner.dataBlock();
        boolean full = remembered >= maxFound && found.size() == 1 && found.containsKey(dataBlock);
        capped |= full;
        if (full
                || dataBlock >= windowTo
                || losses.isUnreadable(dataBlock)
                || !found.computeIfAbsent(dataBlock, block -> new TreeSet<>()).add(owner.virtualBlock())) {
            return;
        }
        remembered++;
        while (remembered > maxFound && found.size() > 1) {
            Map.Entry<Long, Set<Long>> last = found.pollLastEntry();
            remembered -= last.getValue().size();
            windowTo = last.getKey();
        }
    }

    private void nextPass() throws StorageException {
        if (windowTo < to) {
            searchFrom(windowTo);
            return;
        }
        idleRounds = movedInRound ? 0 : idleRounds + 1;
        if (losses.hasUnreadable() && !movedInRound) {
            throw losses.refusal(ending.acceptsLosses());
        }
        if (idleRounds > MAX_IDLE_ROUNDS) {
            throw new StorageException(
                    Errno.EBUSY,
                    inUse() * blockBytes + " bytes of the range cannot be moved: the pool's catalog is there, or a"
                            + " volume whose metadata is damaged");
        }
        movedInRound = false;
        searchFrom(from);
    }

    private void searchFrom(long dataBlock) {
        windowFrom = dataBlock;
        windowTo = to;
        remembered = 0;
        searching = true;
        search.restart();
    }

    private void moveBatch(StepEnd end) {
        if (capped || byParts.containsKey(found.firstKey())) {
            capped = false;
            Map.Entry<Long, Set<Long>> first = found.pollFirstEntry();
            beginParts(first.getKey(), first.getValue());
            end.next();
            return;
        }
        TreeMap<Long, Set<Long>> batch = new TreeMap<>();
        int wanted = atATime(Math.clamp(BATCH_BYTES / blockBytes, 1, most));
        most = Math.min(BATCH_BLOCKS, most + 1);
        while (batch.size() < wanted && !found.isEmpty() && !byParts.containsKey(found.firstKey())) {
            Map.Entry<Long, Set<Long>> next = found.pollFirstEntry();
            batch.put(next.getKey(), next.getValue());
        }
        mover.move(batch, new BatchMoved(batch, end));
    }

    /** What comes of a move, whatever it is of. */
    private abstract class StepOutcome implements MoveOutcome {
        final StepEnd end;

        StepOutcome(StepEnd end) {
            this.end = end;
        }

        @Override
        public boolean acceptsLosses() {
            return ending.acceptsLosses();
        }

        @Override
        public void lost(List<BlockMoves.Owner> owners, List<BlockCopies.Lost> lost) {
            losses.lost(losses.ofOwners(owners, lost));
        }

        @Override
        public void failed(Throwable cause) {
            end.failed(cause);
        }
    }

    /** What comes of a batch. */
    private final class BatchMoved extends StepOutcome implements BlockMover.Moved {
        private final SortedMap<Long, Set<Long>> batch;

        BatchMoved(SortedMap<Long, Set<Long>> batch, StepEnd end) {
            super(end);
            this.batch = batch;
        }

        @Override
        public void done(int blocks, Map<Long, Integer> failed) {
            movedInRound |= blocks > 0;
            movedBlocks += blocks;
            failed.forEach((block, errno) -> losses.unreadable(block, batch.get(block), errno));
            end.next();
        }

        @Override
        public void leftOut(SortedMap<Long, Set<Long>> others) {
            found.putAll(others);
            most = Math.max(1, batch.size() - others.size());
        }

        @Override
        public void tooManyOwners(long dataBlock, Set<Long> places) {
            beginParts(dataBlock, places);
        }
    }

    private void beginParts(long dataBlock, Set<Long> places) {
        current = PartMover.Block.toNew(dataBlock, places, byParts.get(dataBlock));
    }

    private void notePart(PartMover.Block block, int owners) {
        boolean known = byParts.containsKey(block.from());
        if (owners > 0 && (known || byParts.size() < MAX_BY_PARTS)) {
            byParts.put(block.from(), block.witness());
        }
        movedBlocks += owners == 0 || known ? 0 : 1;
    }

    /** Some owners of a block that has very many. */
    private void movePart(StepEnd end) {
        partMover.step(current, new PartMoved(current, end));
    }

    /** What comes of a part. */
    private final class PartMoved extends StepOutcome implements PartMover.Moved {
        private final PartMover.Block block;

        PartMoved(PartMover.Block block, StepEnd end) {
            super(end);
            this.block = block;
        }

        @Override
        public void done(int owners, boolean more) {
            movedInRound |= owners > 0;
            notePart(block, owners);
            current = more ? block : null;
            end.next();
        }

        @Override
        public void unreadable(int errno) {
            losses.unreadable(block.from(), block.places(), errno);
            current = null;
            end.next();
        }
    }
}
