package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.DyingEntries;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What deleting a set of devices frees: the data blocks of which every reference is in a leaf that goes with them
 * (AC-10). In ranges of virtual blocks; a block that clones have at several places is put together from all of them.
 * Of one state of the metadata, until it is aborted. Worker's thread.
 */
public final class DyingDevices {
    /** Blocks with some references left that are remembered: some 20 MiB. */
    private static final int MAX_PARTLY_GONE = 1 << 18;

    /** Mappings of blocks that stay, to find out who keeps them. */
    private static final int MAX_SAMPLES = 256;

    /** A mapping. */
    private record Sample(long virtualBlock, long dataBlock) {}

    private final LoadedPool pool;
    private final Set<Integer> ids;
    private final DyingEntries entries;
    private final Map<Long, Integer> partlyGone = new HashMap<>();
    private final List<Sample> samples = new ArrayList<>();
    private long freed;
    private boolean complete = true;

    DyingDevices(LoadedPool pool, Set<Integer> ids) {
        this.pool = pool;
        this.ids = ids;
        this.entries = new DyingEntries(pool.mappings.subtrees(), new DyingEntries.Entries() {
            @Override
            public void goes(long key, long value) throws StorageException {
                reference(key, Mapping.dataBlock(value));
            }

            @Override
            public void stays(long key, long value) {
                sample(key, Mapping.dataBlock(value));
            }
        });
    }

    /** Looks at a range of virtual blocks of all devices. @return nodes that it took */
    public int look(long from, long toExclusive) throws StorageException {
        entries.start(from, toExclusive);
        for (int id : ids) {
            long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
            // What a metadata snapshot leads to as well stays.
            if (root != BTree.NO_TREE && !pool.mappings.isUpperPathShared(pool.mappingRoot, id)) {
                entries.leave(root);
            }
        }
        entries.tellStaying();
        return entries.nodesRead();
    }

    private void reference(long virtualBlock, long dataBlock) throws StorageException {
        long count = pool.dataMap.count(dataBlock);
        if (count == 1) {
            freed++;
            return;
        }
        int gone = partlyGone.merge(dataBlock, 1, Integer::sum);
        if (gone == count) {
            partlyGone.remove(dataBlock);
            freed++;
        } else {
            sample(virtualBlock, dataBlock);
            if (partlyGone.size() > MAX_PARTLY_GONE) {
                partlyGone.clear();
                complete = false;
            }
        }
    }

    private void sample(long virtualBlock, long dataBlock) {
        if (samples.size() < MAX_SAMPLES) {
            samples.add(new Sample(virtualBlock, dataBlock));
        }
    }

    /** Data blocks that come free. */
    public long freedBlocks() {
        return freed;
    }

    /** Whether these are all; otherwise there may be more. */
    public boolean isComplete() {
        return complete;
    }

    /** Whether another device has one of the blocks that stay; as far as samples tell. */
    public boolean isKeptBy(int otherId) throws StorageException {
        for (Sample sample : samples) {
            long[] word = new long[1];
            if (pool.mappings.lookup(pool.mappingRoot, otherId, sample.virtualBlock, word)
                    && Mapping.dataBlock(word[0]) == sample.dataBlock) {
                return true;
            }
        }
        return false;
    }
}
