package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.SharedRewrite;
import dev.gossamer.pdata.btree.ValueSearch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/**
 * Moves mappings from some data blocks to others, for all devices that share them at once (RL-1, RL-2). Part of the
 * running transaction. Worker's thread.
 */
public final class BlockMoves {
    private final LoadedPool pool;
    private final ValueSearch search;

    BlockMoves(LoadedPool pool) {
        this.pool = pool;
        this.search = pool.mappings.search();
    }

    /** A mapping: of which device, where, to what. */
    public record Owner(int deviceId, long virtualBlock, long dataBlock) {}

    /** Told of owners; stops the search by answering false. */
    public interface Found {
        boolean owner(Owner owner);
    }

    /** Where a search has come to. Below the first device at the start. */
    public record Place(int deviceId, long virtualBlock) {
        /** Before all mappings. */
        public static final Place START = new Place(0, 0);
    }

    /**
     * Goes on with a search for who has data blocks of a range, from {@link Place#START} on. Nodes that several devices
     * share are looked at once, so of several owners in one leaf one is told.
     *
     * @param maxNodes about so many are read
     * @return the place to go on from; null at the end
     */
    public Place search(Place from, long firstBlock, long endBlock, int maxNodes, Found found) throws StorageException {
        if (from.equals(Place.START)) {
            search.restart();
        }
        BTreeCursor devices = pool.mappings.upperCursor(pool.mappingRoot, from.deviceId());
        if (!devices.next()) {
            return null;
        }
        int id = (int) devices.key();
        long start = id == from.deviceId() ? from.virtualBlock() : 0;
        long next = search.step(devices.value(0), start, maxNodes, (virtualBlock, value) -> {
            long dataBlock = Mapping.dataBlock(value);
            return dataBlock < firstBlock
                    || dataBlock >= endBlock
                    || found.owner(new Owner(id, virtualBlock, dataBlock));
        });
        if (next != ValueSearch.END) {
            return new Place(id, next);
        }
        return id + 1 < PoolMetadata.MAX_DEVICES ? new Place(id + 1, 0) : null;
    }

    /** Allocates no data block of a range any more, until another is closed; the empty one opens all. */
    public void close(long from, long to) throws StorageException {
        pool.dataMap.close(from, to);
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
        long last = -1;
        for (int id : pool.devices.ids()) {
            if (isCatalog(id)) {
                BTreeCursor cursor = pool.mappings.cursor(pool.mappingRoot, id, 0);
                while (cursor.next()) {
                    last = Math.max(last, Mapping.dataBlock(cursor.value(0)));
                }
            }
        }
        return last;
    }

    /** There is a metadata snapshot: it pins what it maps, and nothing can be moved (RL-3). */
    public boolean isPinned() {
        return pool.heldRoot != 0;
    }

    /** Whether a device is the catalog, whose blocks are not moved: the pool's owner writes there without asking. */
    public boolean isCatalog(int deviceId) throws StorageException {
        DeviceDetails details = pool.devices.get(deviceId);
        return details != null && details.isCatalog();
    }

    /**
     * Finds all that refers to data blocks, in the running state.
     *
     * @param places each data block, and the virtual blocks at which devices are known to have it
     */
    public Plan plan(SortedMap<Long, Set<Long>> places) throws StorageException {
        SharedRewrite rewrite = pool.mappings.rewrite(pool.mappingRoot);
        List<Owner> owners = new ArrayList<>();
        BTreeCursor devices = pool.mappings.upperCursor(pool.mappingRoot, 0);
        while (devices.next()) {
            int id = (int) devices.key();
            for (Map.Entry<Long, Set<Long>> place : places.entrySet()) {
                long dataBlock = place.getKey();
                for (long virtualBlock : place.getValue()) {
                    if (rewrite.add(id, virtualBlock, value -> Mapping.dataBlock(value) == dataBlock)) {
                        owners.add(new Owner(id, virtualBlock, dataBlock));
                    }
                }
            }
        }
        return new Plan(rewrite, owners);
    }

    /** Who refers to some data blocks, at the moment of the call; to be applied before anything changes. */
    public final class Plan {
        private final SharedRewrite rewrite;
        private final List<Owner> owners;

        private Plan(SharedRewrite rewrite, List<Owner> owners) {
            this.rewrite = rewrite;
            this.owners = owners;
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
                if (leaves.getOrDefault(dataBlock, 0) != pool.dataMap.count(dataBlock)) {
                    incomplete.add(dataBlock);
                }
            }
            return incomplete;
        }

        /** Whether every node to be rewritten has been reached from all its parents. */
        public boolean isComplete() throws StorageException {
            return rewrite.isComplete();
        }

        /** Metadata blocks that {@link #apply} takes at most, with its part of the commit. */
        public long cost() throws StorageException {
            long values = 2L * owners.size();
            return rewrite.nodes()
                    + pool.mappings.upperCost(pool.mappingRoot, rewrite.subtrees())
                    + pool.dataMap.changeCost(values, values)
                    + pool.metadataMap.overflowCost(2L * rewrite.nodes());
        }

        /** Nodes that are rewritten, however many devices have them. */
        public int nodes() {
            return rewrite.nodes();
        }

        /**
         * Maps the owners of each block to another one, which is reserved, and holds the same data. Of those that are
         * not moved, and have owners in the plan, nothing changes.
         *
         * @param targets for each data block of the plan that has owners
         */
        public void apply(Map<Long, Long> targets) throws StorageException {
            for (long dataBlock : targets.keySet()) {
                pool.dataMap.unreserve(targets.get(dataBlock));
            }
            pool.mappingRoot =
                    rewrite.apply(value -> Mapping.pack(targets.get(Mapping.dataBlock(value)), Mapping.time(value)));
            pool.changed = true;
            pool.sharesAnew();
            pool.settle();
        }
    }
}
