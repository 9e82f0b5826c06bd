package dev.gossamer.thin.metadata;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.FrozenTransaction;
import dev.gossamer.pdata.btree.BTreeCursor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Rule S-4: no change of metadata, and no commit, takes more than it was said to take beforehand. */
class MetadataRoomTest {
    private static final int SEEDS = 30;
    private static final int STEPS = 400;
    private static final int METADATA_BLOCKS = 40_000;
    private static final long DATA_BLOCKS = 120_000;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int STEP = 1024;

    /** What makes room is charged so many times of what it takes, on the average of small and large steps. */
    private static final int TIGHT = 5;

    /** And so many blocks more than it takes, once: some twenty nodes that might have been split. */
    private static final int MOST_IN_VAIN = 96;

    private static final class Sum {
        private long taken;
        private long charged;
        private long mostInVain;
    }

    private final Map<String, Sum> sums = new TreeMap<>();

    private PoolMetadata metadata;
    private SplittableRandom random;
    private final List<Integer> devices = new ArrayList<>();
    private int nextId;
    private String story;

    @Test
    void nothingTakesMoreThanItIsChargedFor() throws StorageException {
        for (int seed = 0; seed < SEEDS; seed++) {
            run(seed);
        }
        for (String what : List.of("remove", "reclaim", "delete", "retire", "release")) {
            Sum sum = sums.get(what);
            String told = what + ": " + sum.taken + " blocks taken, " + sum.charged + " charged";
            assertTrue(sum.charged <= TIGHT * sum.taken, told);
            assertTrue(sum.mostInVain <= MOST_IN_VAIN, told + ", once " + sum.mostInVain + " in vain");
        }
    }

    private void run(int seed) throws StorageException {
        random = Seeds.splittable(seed);
        devices.clear();
        nextId = 0;
        SimulatedDisk disk = new SimulatedDisk(METADATA_BLOCKS * 4096L);
        SimulatedDisk data = new SimulatedDisk(DATA_BLOCKS * BLOCK_BYTES);
        try (IoBufferPool buffers = new IoBufferPool(1 << 22)) {
            BlockingIo io = new BlockingIo(disk, new InlineLoop(null, buffers));
            PoolFormat.format(io, data, BLOCK_BYTES);
            metadata = PoolMetadata.open(io, data, PoolMetadata.CACHE_BLOCKS);
            // Some pools take no snapshots: they are told apart.
            boolean snapshots = random.nextInt(3) > 0;
            for (int step = 0; step < STEPS; step++) {
                story = "seed " + seed + ", step " + step;
                step(snapshots);
            }
            metadata.close();
        }
    }

    private void step(boolean snapshots) throws StorageException {
        int what = random.nextInt(100);
        if (devices.isEmpty() || what < 3) {
            create();
        } else if (what < 50) {
            fill();
        } else if (what < 61) {
            remove();
        } else if (what < 65) {
            unmapOfAll();
        } else if (what < 73 && snapshots) {
            snapshot();
        } else if (what < 76) {
            delete();
        } else if (what < 79 && snapshots) {
            holdOrRelease();
        } else {
            commit();
        }
    }

    private void create() throws StorageException {
        int id = nextId++;
        charged("create", metadata.room().messageCost(1), () -> metadata.life().createDevice(id));
        devices.add(id);
    }

    private void snapshot() throws StorageException {
        int origin = any();
        int id = nextId++;
        charged("snapshot", metadata.room().messageCost(1), () -> metadata.life()
                .createSnapshot(id, origin));
        devices.add(id);
        if (devices.size() > 3 && random.nextInt(4) == 0) {
            int kept = nextId++;
            charged("rollback", metadata.room().messageCost(1), () -> metadata.life()
                    .rollBack(id, devices.get(0), kept));
            devices.add(kept);
        }
    }

    private void delete() throws StorageException {
        int id = any();
        devices.removeIf(each -> each == id);
        if (metadata.life().isDeletedAtOnce(id, STEP)) {
            charged("delete", metadata.room().deletionCost(id), () -> metadata.life()
                    .deleteDevice(id));
            return;
        }
        int retired = DeviceDetails.MAX_DEVICES - 2 - id;
        charged("retire", metadata.room().retirementCost(id), () -> metadata.life()
                .retireDevice(id, retired));
        long left = 1;
        while (left > 0) {
            long cost = metadata.room().reclaimCost(retired, STEP);
            long[] its = new long[1];
            charged("reclaim", cost, () -> its[0] = metadata.life().reclaim(retired, STEP));
            left = its[0];
            if (random.nextInt(3) == 0) {
                commit();
            }
        }
    }

    private void fill() throws StorageException {
        int id = any();
        long at = random.nextLong(20_000);
        // In one place, or all over.
        long stride = random.nextBoolean() ? 1 : 1 + random.nextInt(300);
        for (int i = random.nextInt(400); i > 0 && metadata.dataBlocksFree() > 0; i--) {
            long block = at;
            long dataBlock = metadata.reserveDataBlock();
            charged("insert", metadata.room().insertCost(id, at), () -> metadata.insert(id, block, dataBlock));
            at += stride;
        }
    }

    private void remove() throws StorageException {
        int id = any();
        long from = random.nextLong(20_000);
        long to = from + 1 + random.nextInt(STEP);
        charged("remove", metadata.room().removalCost(id, from, to), () -> metadata.removeRange(id, from, to));
    }

    /** As zeros are unmapped: a block of each device that has the same one there. */
    private void unmapOfAll() throws StorageException {
        long block = random.nextLong(20_000);
        int some = any();
        BTreeCursor cursor = metadata.cursor(some, block);
        if (!cursor.next()) {
            return;
        }
        long found = cursor.key();
        long dataBlock = Mapping.dataBlock(metadata.lookup(some, found));
        List<BlockMoves.Owner> owners = new ArrayList<>();
        for (int id : devices) {
            long mapping = metadata.lookup(id, found);
            if (mapping != Mapping.NONE && Mapping.dataBlock(mapping) == dataBlock) {
                owners.add(new BlockMoves.Owner(id, found, dataBlock));
            }
        }
        for (BlockMoves.Owner owner : owners) {
            charged(
                    "unmap",
                    metadata.room().removalCost(owner),
                    () -> metadata.removeRange(owner.deviceId(), found, found + 1));
        }
    }

    private void holdOrRelease() throws StorageException {
        commit();
        if (metadata.heldRoot() == 0) {
            charged("hold", 4 + metadata.room().messageCost(1), () -> metadata.snapshot()
                    .reserve());
        } else {
            keepTrees();
            charged("release", metadata.room().releaseCost(STEP), () -> metadata.snapshot()
                    .release());
            metadata.snapshot().forgetKept();
        }
        commit();
    }

    private void keepTrees() throws StorageException {
        while (!metadata.snapshot().isReleasedAtOnce(STEP)) {
            int[] next = {0};
            while (next[0] != MetadataSnapshot.DONE) {
                charged(
                        "keep",
                        metadata.room().keepCost(),
                        () -> next[0] = metadata.snapshot().keepNext(next[0], 8, this::keptId));
            }
        }
    }

    private int keptId() {
        return DeviceDetails.MAX_DEVICES / 2 + nextId++;
    }

    private int any() {
        return devices.get(random.nextInt(devices.size()));
    }

    private interface Change {
        void apply() throws StorageException;
    }

    /** A change, and what it adds to the next commit, are within what they were charged. */
    private void charged(String what, long charge, Change change) throws StorageException {
        long left = metadata.room().left();
        change.apply();
        check(what, charge, left - metadata.room().left());
    }

    private void commit() throws StorageException {
        if (!metadata.isChanged()) {
            return;
        }
        long charge = metadata.room().commitCost();
        long free = metadata.metadataBlocksFree();
        FrozenTransaction frozen = metadata.freeze();
        check("commit", charge, free - metadata.metadataBlocksFree());
        metadata.writer().writeNow(frozen, null);
        metadata.releaseFreedDataBlocks(metadata.committed());
    }

    private void check(String what, long charge, long taken) {
        assertTrue(taken <= charge, story + ": " + what + " took " + taken + " blocks, charged " + charge);
        Sum sum = sums.computeIfAbsent(what, key -> new Sum());
        sum.taken += Math.max(0, taken);
        sum.charged += charge;
        sum.mostInVain = Math.max(sum.mostInVain, charge - taken);
    }
}
