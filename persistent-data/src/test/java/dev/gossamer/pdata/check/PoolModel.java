package dev.gossamer.pdata.check;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A random story of a pool, told to the pool and to plain maps at once. Equal seeds tell equal stories, whatever
 * happens to the pool's disk.
 */
final class PoolModel {
    /** Device id to virtual block to packed mapping. */
    Map<Long, Map<Long, Long>> devices = new TreeMap<>();

    private final SplittableRandom random;
    private final long virtualBlocks;
    private long nextId;

    PoolModel(long seed, long virtualBlocks) {
        random = Seeds.splittable(seed);
        this.virtualBlocks = virtualBlocks;
    }

    /** One random change, without a commit of its own. Returns what it did. */
    String step(TestPool pool) throws StorageException {
        int dice = devices.isEmpty() ? 0 : random.nextInt(100);
        if (dice < 3 && devices.size() < 12) {
            return create(pool);
        } else if (dice < 12 && devices.size() < 12) {
            return snapshot(pool);
        } else if (dice < 15) {
            return delete(pool);
        } else if (dice < 35) {
            return discard(pool);
        }
        return provision(pool);
    }

    /** An independent copy of what the devices hold. */
    Map<Long, Map<Long, Long>> copy() {
        Map<Long, Map<Long, Long>> result = new TreeMap<>();
        devices.forEach((id, mappings) -> result.put(id, new TreeMap<>(mappings)));
        return result;
    }

    private String create(TestPool pool) throws StorageException {
        long id = nextId++;
        pool.createDevice(id);
        devices.put(id, new TreeMap<>());
        return "create " + id;
    }

    private String snapshot(TestPool pool) throws StorageException {
        long origin = anyDevice();
        long id = nextId++;
        pool.snapshot(origin, id);
        devices.put(id, new TreeMap<>(devices.get(origin)));
        return "snapshot " + origin + " as " + id;
    }

    private String delete(TestPool pool) throws StorageException {
        long id = anyDevice();
        pool.deleteDevice(id);
        devices.remove(id);
        return "delete " + id;
    }

    private String discard(TestPool pool) throws StorageException {
        long id = anyDevice();
        long from = random.nextLong(virtualBlocks);
        long length = 1 + random.nextLong(random.nextInt(4) == 0 ? virtualBlocks : virtualBlocks / 50 + 1);
        TreeMap<Long, Long> mappings = (TreeMap<Long, Long>) devices.get(id);
        Map<Long, Long> range = mappings.subMap(from, from + length);
        long expected = range.size();
        range.clear();
        long removed = pool.discard(id, from, from + length);
        if (removed != expected) {
            throw new AssertionError("discard of " + from + "+" + length + " removed " + removed + ", not " + expected);
        }
        return "discard " + from + "+" + length + " of " + id;
    }

    private String provision(TestPool pool) throws StorageException {
        long id = anyDevice();
        long first = random.nextLong(virtualBlocks);
        int count = 1 + random.nextInt(random.nextInt(10) == 0 ? 400 : 20);
        boolean run = random.nextBoolean();
        for (int i = 0; i < count; i++) {
            long virtualBlock = run ? first + i : random.nextLong(virtualBlocks);
            long dataBlock = pool.provision(id, virtualBlock);
            devices.get(id).put(virtualBlock, dataBlock << 24 | pool.time);
        }
        return "provision " + count + " of " + id;
    }

    private long anyDevice() {
        List<Long> ids = new ArrayList<>(devices.keySet());
        return ids.get(random.nextInt(ids.size()));
    }
}
