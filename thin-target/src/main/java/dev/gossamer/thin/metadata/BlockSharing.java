package dev.gossamer.thin.metadata;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Gives data blocks more owners without copying them: what a range clone does to the metadata (CL-4, CL-5). Part of the
 * running transaction. Worker's thread.
 *
 * <p>A clone has no place in the pool's time as a snapshot has, so the time is made to fit: a mapping keeps its time,
 * and both devices have a snapshotted time above it; a device that has not gets one of its own, as by a snapshot.
 * Then the mapping looks shared to both, here and to any other dm-thin, and {@link ExclusiveCheck} decides once one of
 * them has let go.
 */
public final class BlockSharing {
    private final LoadedPool pool;
    private final long[] word = new long[1];

    BlockSharing(LoadedPool pool) {
        this.pool = pool;
    }

    /** The packed mappings of {@code count} blocks, {@link Mapping#NONE} where there is none. */
    public long[] read(int id, long from, int count) throws StorageException {
        long[] mappings = new long[count];
        Arrays.fill(mappings, Mapping.NONE);
        BTreeCursor cursor = pool.mappings.cursor(pool.mappingRoot, id, from).upTo(from + count);
        while (cursor.next()) {
            mappings[(int) (cursor.key() - from)] = cursor.value(0);
        }
        return mappings;
    }

    /**
     * Gives blocks of a device the mappings that were {@link #read} of another, or of other blocks of itself, and that
     * nobody has changed since. What was mapped there loses a reference, after all that gets one has got it.
     *
     * @throws MetadataCorrupt before anything is changed, if a data block has no owner: it was freed meanwhile
     */
    public void put(int sourceId, int id, long from, long[] mappings) throws StorageException {
        pool.devices.existing(sourceId);
        pool.devices.existing(id);
        long[] present = read(id, from, mappings.length);
        int newest = -1;
        for (int i = 0; i < mappings.length; i++) {
            if (mappings[i] != Mapping.NONE) {
                checkOwned(mappings[i]);
                newest = Math.max(newest, Mapping.time(mappings[i]));
            }
            if (present[i] != Mapping.NONE) {
                pool.checkCounted(id, from + i, present[i]);
            }
        }
        if (Arrays.stream(mappings).anyMatch(each -> each == Mapping.NONE)) {
            pool.mappings.lookAtRemoval(pool.mappingRoot, id, from, from + mappings.length);
        }
        if (newest >= 0) {
            makeOlder(
                    newest,
                    sourceId == id
                            ? Set.of(id)
                            : Set.of(sourceId, id)); // before all else: it may find that there is no time left
        }
        for (int i = 0; i < mappings.length; i++) {
            if (changes(present[i], mappings[i])) {
                pool.dataMap.increment(Mapping.dataBlock(mappings[i]));
            }
        }
        long removed = 0;
        for (int i = 0; i < mappings.length; i++) {
            removed += mappings[i] == Mapping.NONE && isCountedOwn(id, from + i, present[i]) ? 1 : 0;
            if (changes(present[i], mappings[i])) {
                removed += isCountedOwn(id, from + i, present[i]) ? 1 : 0;
                word[0] = mappings[i];
                pool.mappingRoot = pool.mappings.insert(pool.mappingRoot, id, from + i, word);
                pool.devices.addMapped(id, pool.mappings.insertCreatedKey() ? 1 : 0);
            }
        }
        removeHoles(id, from, present, mappings);
        pool.own.removed(id, removed);
        pool.sharesAnew();
        pool.settle();
    }

    /** Whether a mapping of a device is one that {@link OwnCounts} has counted; it is about to go. */
    private boolean isCountedOwn(int id, long virtualBlock, long present) throws StorageException {
        return present != Mapping.NONE
                && virtualBlock < pool.own.counted(id)
                && OwnCounts.isOwn(present, pool.devices.existing(id));
    }

    /** Blocks that {@link #put} maps where nothing was, less those that it unmaps. */
    public long growth(int id, long from, long[] mappings) throws StorageException {
        long growth = 0;
        long[] present = read(id, from, mappings.length);
        for (int i = 0; i < mappings.length; i++) {
            growth += present[i] == Mapping.NONE ? 0 : -1;
            growth += mappings[i] == Mapping.NONE ? 0 : 1;
        }
        return growth;
    }

    private static boolean changes(long present, long wanted) {
        return wanted != Mapping.NONE
                && (present == Mapping.NONE || Mapping.dataBlock(present) != Mapping.dataBlock(wanted));
    }

    private void removeHoles(int id, long from, long[] present, long[] mappings) throws StorageException {
        for (int i = 0; i < mappings.length; i++) {
            int end = i;
            boolean mapped = false;
            while (end < mappings.length && mappings[end] == Mapping.NONE) {
                mapped |= present[end] != Mapping.NONE;
                end++;
            }
            if (mapped) {
                pool.mappingRoot = pool.mappings.removeRange(pool.mappingRoot, id, from + i, from + end);
                pool.devices.addMapped(id, -pool.mappings.removedCount());
            }
            i = end;
        }
    }

    /** The seed of 3.3: a reference to a block that was freed since its mapping was read. */
    private void checkOwned(long mapping) throws StorageException {
        long dataBlock = Mapping.dataBlock(mapping);
        if (pool.dataMap.count(dataBlock) == 0) {
            throw new MetadataCorrupt("data block " + dataBlock + " is free, and cannot get another owner");
        }
    }

    /** Makes mappings of that time, and older ones, look shared to some devices. */
    void makeOlder(int newest, Set<Integer> ids) throws StorageException {
        List<Integer> tooEarly = new ArrayList<>();
        for (int id : ids) {
            if (pool.devices.existing(id).snapshottedTime() <= newest) {
                tooEarly.add(id);
            }
        }
        if (tooEarly.isEmpty()) {
            return;
        }
        if (pool.time + 1 >= Mapping.TIME_LIMIT) {
            throw new StorageException(
                    Errno.ENOSPC, "the pool has seen as many snapshots and clones as its format allows");
        }
        // A time of its own, as with a snapshot: so it is known that no mapping is as late (AC-9).
        pool.time++;
        for (int id : tooEarly) {
            pool.devices.put(id, pool.devices.existing(id).withSnapshottedTime(pool.time));
            pool.own.none(id);
        }
    }
}
