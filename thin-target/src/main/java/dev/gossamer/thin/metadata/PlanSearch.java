package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.SharedRewrite;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/**
 * Looks for data blocks at places of all devices, or of those from one on. A tree that several of these have is looked
 * at once; what is found there is each one's. Stops when that is more work than allowed. Worker's thread.
 */
final class PlanSearch {
    private final LoadedPool pool;
    private final SortedMap<Long, Set<Long>> places;
    private final SharedRewrite rewrite;
    private final List<BlockMoves.Owner> owners = new ArrayList<>();
    // Root of a tree to what is found in it.
    private final Map<Long, List<BlockMoves.Owner>> trees = new HashMap<>();
    private final Map<Long, MetadataCorrupt> damagedTrees = new HashMap<>();
    private final Map<Integer, MetadataCorrupt> damaged = new HashMap<>();
    private long workLeft;
    // Where it goes on that had to stop.
    private BlockMoves.Position stopped;

    /** @param mostWork places looked at, and owners found */
    PlanSearch(LoadedPool pool, SortedMap<Long, Set<Long>> places, int mostWork) {
        this.pool = pool;
        this.places = places;
        this.rewrite = pool.mappings.rewrite(pool.mappingRoot);
        this.workLeft = mostWork;
    }

    SharedRewrite rewrite() {
        return rewrite;
    }

    List<BlockMoves.Owner> owners() {
        return owners;
    }

    /** Devices that could not be looked at to the end. */
    Map<Integer, MetadataCorrupt> damaged() {
        return damaged;
    }

    /** Looks at all devices. @return whether at all */
    boolean run() throws StorageException {
        return runFrom(BlockMoves.Position.START) == null;
    }

    /** Looks at a device from a place on, and at all behind it. @return where there is more to look at; or null */
    BlockMoves.Position runFrom(BlockMoves.Position from) throws StorageException {
        BTreeCursor devices = pool.mappings.upperCursor(pool.mappingRoot, from.deviceId());
        for (int looked = 1; stopped == null && devices.next(); looked++) {
            int id = (int) devices.key();
            long root = devices.value(0);
            List<BlockMoves.Owner> known = trees.get(root);
            if (id == from.deviceId() && from.virtualBlock() > 0) {
                look(id, root, from.virtualBlock()); // a part of the tree
            } else if (known == null) {
                trees.put(root, look(id, root, 0));
            } else if (!known.isEmpty()) {
                share(id, root, known);
            }
            if (damagedTrees.containsKey(root)) {
                damaged.put(id, damagedTrees.get(root));
            }
            // As often as it costs little beside the look itself.
            if (Integer.bitCount(looked) == 1 && stopped == null && isAllFound()) {
                return null;
            }
        }
        return stopped;
    }

    /** Whether the counts know of no other owner, so that there is none in the devices that are left. */
    private boolean isAllFound() throws StorageException {
        Map<Long, Integer> leaves = new HashMap<>();
        rewrite.values().forEach((value, count) -> leaves.merge(Mapping.dataBlock(value), count, Integer::sum));
        for (long dataBlock : places.keySet()) {
            boolean gone = dataBlock >= pool.dataMap.blocks();
            if (gone || leaves.getOrDefault(dataBlock, 0) != pool.dataMap.count(dataBlock)) {
                return false;
            }
        }
        return rewrite.isComplete();
    }

    private List<BlockMoves.Owner> look(int id, long root, long fromVirtualBlock) throws StorageException {
        List<BlockMoves.Owner> its = new ArrayList<>(0);
        try {
            look(id, root, fromVirtualBlock, its);
        } catch (MetadataCorrupt damage) {
            // What was found is told, as it is noted to be rewritten; the rest is missed by the count of the block.
            damagedTrees.put(root, damage);
        }
        owners.addAll(its);
        return its;
    }

    private void look(int id, long root, long fromVirtualBlock, List<BlockMoves.Owner> its) throws StorageException {
        for (Map.Entry<Long, Set<Long>> place : places.entrySet()) {
            long dataBlock = place.getKey();
            for (long virtualBlock : place.getValue()) {
                if (virtualBlock < fromVirtualBlock) {
                    continue;
                }
                if (--workLeft < 0) {
                    stopped = new BlockMoves.Position(id, virtualBlock);
                    return;
                }
                if (rewrite.add(id, root, virtualBlock, value -> Mapping.dataBlock(value) == dataBlock)) {
                    its.add(new BlockMoves.Owner(id, virtualBlock, dataBlock));
                    workLeft--;
                }
            }
        }
    }

    private void share(int id, long root, List<BlockMoves.Owner> known) throws StorageException {
        workLeft -= known.size();
        if (workLeft < 0) {
            stopped = new BlockMoves.Position(id, 0);
            return;
        }
        rewrite.addSharer(id, root);
        known.forEach(each -> owners.add(new BlockMoves.Owner(id, each.virtualBlock(), each.dataBlock())));
    }
}
