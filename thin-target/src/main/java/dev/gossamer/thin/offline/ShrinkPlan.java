package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Where the data blocks behind a pool's new end go: into free blocks before it, the longest runs first, each whole
 * where there is room for it (OT-41).
 */
public final class ShrinkPlan {
    /** Blocks from {@code from} on go to {@code to}. */
    public record Move(long from, long to, long length) {}

    private final TreeMap<Long, Move> moves = new TreeMap<>();
    private final long blocks;

    private ShrinkPlan(long blocks) {
        this.blocks = blocks;
    }

    /**
     * Plans.
     *
     * @param blocks data blocks that the pool shall have
     * @throws StorageException ENOSPC if they are too few, with the least number that is enough
     */
    public static ShrinkPlan of(DataBlockUse use, long blocks) throws StorageException {
        ShrinkPlan plan = new ShrinkPlan(blocks);
        List<Move> toMove = new ArrayList<>();
        long wanted = 0;
        for (long at = use.nextMapped(blocks); at < use.dataBlocks(); ) {
            long end = use.endOfMapped(at);
            toMove.add(new Move(at, 0, end - at));
            wanted += end - at;
            at = end < use.dataBlocks() ? use.nextMapped(end) : end;
        }
        NavigableMap<Long, List<Long>> freeByLength = new TreeMap<>();
        long free = 0;
        for (long at = use.nextFree(0); at < blocks; ) {
            long end = Math.min(use.endOfFree(at), blocks);
            freeByLength.computeIfAbsent(end - at, length -> new ArrayList<>()).add(at);
            free += end - at;
            at = end < blocks ? use.nextFree(end) : blocks;
        }
        if (wanted > free) {
            throw new StorageException(
                    Errno.ENOSPC,
                    wanted + " blocks lie behind block " + blocks + ", where " + free
                            + " are free before it; the pool can" + " have " + leastBlocks(use) + " blocks or more");
        }
        toMove.sort(Comparator.comparingLong(Move::length).reversed().thenComparingLong(Move::from));
        toMove.forEach(move -> plan.place(move.from(), move.length(), freeByLength));
        return plan;
    }

    /** The fewest blocks into which everything fits that cannot be given up: what is counted and not mapped stays. */
    private static long leastBlocks(DataBlockUse use) {
        long mapped = use.mappedBlocks();
        long low = 0;
        long high = use.dataBlocks();
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (fits(use, middle, mapped)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private static boolean fits(DataBlockUse use, long blocks, long mapped) {
        long room = 0;
        for (long at = 0; at < blocks; ) {
            long free = Math.min(use.nextFree(at), blocks);
            long end = free < blocks ? Math.min(use.endOfFree(free), blocks) : blocks;
            room += end - free;
            at = end;
        }
        for (long at = use.nextMapped(0); at < blocks; ) {
            long end = Math.min(use.endOfMapped(at), blocks);
            room += end - at;
            at = end < use.dataBlocks() ? use.nextMapped(end) : blocks;
        }
        return room >= mapped;
    }

    private void place(long from, long length, NavigableMap<Long, List<Long>> freeByLength) {
        long at = from;
        long left = length;
        while (left > 0) {
            Map.Entry<Long, List<Long>> place = freeByLength.ceilingEntry(left);
            place = place == null ? freeByLength.lastEntry() : place;
            long room = place.getKey();
            long target = place.getValue().removeLast();
            if (place.getValue().isEmpty()) {
                freeByLength.remove(room);
            }
            long taken = Math.min(room, left);
            moves.put(at, new Move(at, target, taken));
            if (taken < room) {
                freeByLength
                        .computeIfAbsent(room - taken, each -> new ArrayList<>())
                        .add(target + taken);
            }
            at += taken;
            left -= taken;
        }
    }

    /** Data blocks that the pool shall have. */
    public long blocks() {
        return blocks;
    }

    /** By ascending old place. */
    public List<Move> moves() {
        return List.copyOf(moves.values());
    }

    /** The blocks of a run that stay together from its first one on: the move they are part of; null: they stay. */
    Move moveOf(long block) {
        Map.Entry<Long, Move> move = moves.floorEntry(block);
        return move == null || block >= move.getKey() + move.getValue().length() ? null : move.getValue();
    }
}
