package dev.gossamer.thin.metadata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.NodeLayout;
import dev.gossamer.pdata.btree.SharedRewrite;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Moves mappings from some data blocks to others, for all devices that share them at once (RL-1, RL-2). Part of the
 * running transaction. Worker's thread.
 */
public final class BlockMoves {
    /** What a plan for several blocks takes at most, in places looked at and owners found: some milliseconds. */
    public static final int MAX_WORK = 1 << 13;

    /** What one for a single block takes at most: some ten milliseconds. What has more owners is moved by parts. */
    public static final int MAX_BLOCK_WORK = 1 << 14;

    private final LoadedPool pool;

    BlockMoves(LoadedPool pool) {
        this.pool = pool;
    }

    /** A mapping: of which device, where, to what. */
    public record Owner(int deviceId, long virtualBlock, long dataBlock) {}

    /** How far a look through all devices has come: to a device, and a virtual block of it. */
    public record Position(int deviceId, long virtualBlock) {
        public static final Position START = new Position(0, 0);
    }

    /**
     * Some of those who refer to a data block.
     *
     * @param next where to look for others; null: there are none behind these
     */
    public record Part(Plan plan, Position next) {}

    /** A search through all mappings, which keeps its place from step to step. */
    public OwnerSearch search(DamagedDevices damaged) {
        return new OwnerSearch(pool, damaged);
    }

    /** Allocates no data block of a range any more, until another is closed; the empty one opens all. */
    public void close(long from, long to) throws StorageException {
        pool.dataMap.close(from, to);
    }

    /** Allocates no data block from one on, for these are to be {@linkplain #shrink cut off}. */
    public void closeEnd(long from) throws StorageException {
        pool.dataMap.closeEnd(from);
    }

    /** Whether the end of the data device is being emptied: it must not move away meanwhile. */
    public boolean isEndClosed() {
        return pool.dataMap.isEndClosed();
    }

    /** Blocks of the closed range that are in use or will be. */
    public long inUse(long from, long to) {
        return pool.dataMap.closedInUse(from, to);
    }

    /** See {@link dev.gossamer.pdata.spacemap.DiskSpaceMap#reserveRun}. */
    public long reserveRun(long from, long span, int count) throws StorageException {
        return pool.dataMap.reserveRun(from, span, count);
    }

    /**
     * Whether a block from this one on was freed lately, so that a request or a discard may still be on its way to it.
     */
    public boolean hasFreedFrom(long dataBlock) {
        return pool.dataMap.hasFreedFrom(dataBlock);
    }

    /** The pool has fewer data blocks; the others are not in use, nor on their way out of it. */
    public void shrink(long dataBlocks) throws StorageException {
        pool.changed = true;
        pool.dataMap.shrink(dataBlocks);
        pool.settle();
    }

    /** The last data block that the catalog has, which is not moved; -1 if there is none. */
    public long lastPinned() throws StorageException {
        return pinned().isEmpty() ? -1 : pinned().last();
    }

    /** The first data block of a range that the catalog has; -1 if there is none. */
    public long firstPinned(long from, long to) throws StorageException {
        Long first = pinned().ceiling(from);
        return first == null || first >= to ? -1 : first;
    }

    private NavigableSet<Long> pinned() throws StorageException {
        NavigableSet<Long> pinned = new TreeSet<>();
        for (int id : pool.devices.ids()) {
            if (isCatalog(id)) {
                BTreeCursor cursor = pool.mappings.cursor(pool.mappingRoot, id, 0);
                while (cursor.next()) {
                    pinned.add(Mapping.dataBlock(cursor.value(0)));
                }
            }
        }
        return pinned;
    }

    /** There is a metadata snapshot: it pins what it maps, and nothing can be moved (RL-3). */
    public boolean isPinned() {
        return pool.heldRoot != 0;
    }

    /**
     * Whether a block may stay in use, or out of use, when the last volume lets go of it: a metadata snapshot has it as
     * well, or it lies where a job wants no blocks.
     */
    public boolean keepsFreed() {
        return pool.heldRoot != 0 || pool.dataMap.isClosed();
    }

    /** Whether a device is the catalog, whose blocks are not moved: the pool's owner writes there without asking. */
    public boolean isCatalog(int deviceId) throws StorageException {
        DeviceDetails details = pool.devices.get(deviceId);
        return details != null && details.isCatalog();
    }

    /**
     * Finds all that refers to data blocks, or to half of them, and so on, if that is too much at once.
     *
     * @param places as of {@link #plan}; loses those that are left out
     * @return null if even one block, which is left then, has too many owners: see {@link #part}
     */
    public Plan planSome(SortedMap<Long, Set<Long>> places) throws StorageException {
        return planSome(places, MAX_WORK, MAX_BLOCK_WORK);
    }

    /**
     * As above.
     *
     * @param together what a plan for several takes at most
     * @param alone what one for a single block does
     */
    public Plan planSome(SortedMap<Long, Set<Long>> places, int together, int alone) throws StorageException {
        while (true) {
            Plan plan = plan(places, places.size() > 1 ? together : alone);
            if (plan != null || places.size() == 1) {
                return plan;
            }
            places.keySet().removeAll(List.copyOf(places.keySet()).subList(places.size() / 2, places.size()));
        }
    }

    /**
     * Finds some that refer to a data block, in the running state. The others keep it, whatever becomes of these.
     *
     * @param places virtual blocks at which devices are known to have it
     * @param mostWork places looked at, and owners found
     */
    public Part part(long dataBlock, SortedSet<Long> places, Position from, int mostWork) throws StorageException {
        try {
            PlanSearch search = new PlanSearch(pool, new TreeMap<>(Map.of(dataBlock, places)), mostWork);
            Position next = search.runFrom(from);
            return new Part(new Plan(search.rewrite(), search.owners(), search.damaged()), next);
        } catch (OutOfMemoryError full) {
            throw new StorageException(Errno.ENOMEM, "the heap has no room for the owners of a data block", full);
        }
    }

    /** Whether anything refers to a data block. */
    public boolean isOwned(long dataBlock) throws StorageException {
        return dataBlock < pool.dataMap.blocks() && pool.dataMap.count(dataBlock) > 0;
    }

    /**
     * Finds all that refers to data blocks, in the running state.
     *
     * @param places each data block, and the virtual blocks at which devices are known to have it
     * @param mostWork places looked at, those of devices with the same tree once, and owners found
     * @return null if it would take more than that
     * @throws StorageException also if memory runs out
     */
    public Plan plan(SortedMap<Long, Set<Long>> places, int mostWork) throws StorageException {
        try {
            PlanSearch search = new PlanSearch(pool, places, mostWork);
            return search.run() ? new Plan(search.rewrite(), search.owners(), search.damaged()) : null;
        } catch (OutOfMemoryError full) {
            // Nothing has changed yet.
            throw new StorageException(
                    Errno.ENOMEM, "the heap has no room for the owners of " + places.size() + " data blocks", full);
        }
    }

    /** Who refers to some data blocks, at the moment of the call; to be applied before anything changes. */
    public final class Plan {
        private final SharedRewrite rewrite;
        private final List<Owner> owners;
        private final Map<Integer, MetadataCorrupt> damaged;

        private Plan(SharedRewrite rewrite, List<Owner> owners, Map<Integer, MetadataCorrupt> damaged) {
            this.rewrite = rewrite;
            this.owners = owners;
            this.damaged = damaged;
        }

        /** Devices whose metadata is damaged where they were looked at: what else they have is not among the owners. */
        public Map<Integer, MetadataCorrupt> damaged() {
            return damaged;
        }

        /** All devices that were found to have the blocks, and where. */
        public List<Owner> owners() {
            return owners;
        }

        /** The data blocks of which nobody was found to refer to, or not all that do. */
        public List<Long> incomplete(Set<Long> dataBlocks) throws StorageException {
            Map<Long, Integer> leaves = new HashMap<>();
            rewrite.values().forEach((value, count) -> leaves.merge(Mapping.dataBlock(value), count, Integer::sum));
            List<Long> incomplete = new ArrayList<>();
            for (long dataBlock : dataBlocks) {
                // What was cut off since it was found has nobody who refers to it.
                boolean gone = dataBlock >= pool.dataMap.blocks();
                if (gone || leaves.getOrDefault(dataBlock, 0) != pool.dataMap.count(dataBlock)) {
                    incomplete.add(dataBlock);
                }
            }
            return incomplete;
        }

        /** Whether no metadata snapshot has the trees of the owners as well. */
        public boolean isUpperLevelOwn() throws StorageException {
            return rewrite.isUpperLevelOwn();
        }

        /** Whether every node to be rewritten has been reached from all its parents. */
        public boolean isComplete() throws StorageException {
            return rewrite.isComplete();
        }

        /**
         * Gives the owners of each block another one, which others have as well, and holds the same data (DD-1).
         *
         * @param targets for each data block of the plan
         * @param devices all that have a block of either kind; to them it looks shared from now on (CL-5)
         * @param newest of all these mappings
         */
        public void merge(Map<Long, Long> targets, Set<Integer> devices, int newest) throws StorageException {
            new BlockSharing(pool).makeOlder(newest, devices);
            pool.mappingRoot =
                    rewrite.apply(value -> Mapping.pack(targets.get(Mapping.dataBlock(value)), Mapping.time(value)));
            pool.changed = true;
            pool.sharesAnew();
            pool.settle();
        }

        /** The latest time of all mappings of the plan; -1 if there is none. */
        public int newest() {
            return rewrite.values().keySet().stream()
                    .mapToInt(Mapping::time)
                    .max()
                    .orElse(-1);
        }

        /** Metadata blocks that {@link #apply} takes at most, with its part of the commit. */
        public long cost() throws StorageException {
            // What is in a node that others keep gets a reference more.
            long copied = (long) rewrite.copies() * NodeLayout.maxEntriesFor(Long.BYTES);
            long values = copied
                    + 2L
                            * rewrite.values().values().stream()
                                    .mapToInt(Integer::intValue)
                                    .sum();
            return rewrite.nodes()
                    + pool.mappings.upperCost(pool.mappingRoot, rewrite.subtrees())
                    + pool.dataMap.changeCost(values, values)
                    + pool.metadataMap.overflowCost(2L * rewrite.nodes() + copied);
        }

        /** Nodes that are rewritten, however many devices have them. */
        public int nodes() {
            return rewrite.nodes();
        }

        /**
         * Maps the owners of each block to another one, which is reserved, and holds the same data. Of those that are
         * not moved, and have owners in the plan, nothing changes; nor for owners that are not in the plan.
         *
         * @param targets for each data block of the plan that has owners
         */
        public void apply(Map<Long, Long> targets) throws StorageException {
            for (long dataBlock : targets.keySet()) {
                pool.unreserve(targets.get(dataBlock));
            }
            pool.mappingRoot =
                    rewrite.apply(value -> Mapping.pack(targets.get(Mapping.dataBlock(value)), Mapping.time(value)));
            pool.changed = true;
            pool.sharesAnew();
            pool.settle();
        }
    }
}
