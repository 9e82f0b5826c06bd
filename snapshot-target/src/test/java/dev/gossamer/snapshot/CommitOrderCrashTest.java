package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * S-I4: six copies are held back and let go in every order, and power fails after every single write. When the store is
 * opened again, no chunk below the next free one may be missing in the table, none recorded may lack its data, and the
 * snapshot must be what it was.
 *
 * <p>A table has 32 records here. The copies fill its last places and go over into the next one, which is where order
 * of completion did its damage (rule S-I1).
 */
class CommitOrderCrashTest {
    private static final int CHUNK = 512;
    private static final int RECORDS = CHUNK / 16;
    private static final int COPIES = 6;
    /** So many chunks are in the store beforehand: the fourth copy fills the table. */
    private static final int BEFORE = RECORDS - 4;

    private static final int ORIGIN = 64 * CHUNK;
    private static final int STORE = 128 * CHUNK;

    private static byte[] originChunk(int chunk) {
        byte[] bytes = new byte[CHUNK];
        Arrays.fill(bytes, (byte) (chunk + 1));
        return bytes;
    }

    @Test
    void everyOrderOfSixCopiesSurvivesAPowerCutAfterEveryWrite() throws StorageException {
        long runs = 0;
        for (List<Integer> order : permutations(COPIES)) {
            long operations = run(order, Long.MAX_VALUE);
            for (long cut = 0; cut < operations; cut++) {
                run(order, cut);
                runs++;
            }
        }
        assertTrue(runs > 720 * 10, "only " + runs + " cuts");
    }

    /** @return operations of the part in which power may fail */
    private static long run(List<Integer> order, long cut) throws StorageException {
        String where = "order " + order + ", cut after " + cut;
        PowerSupply power = new PowerSupply();
        SimulatedDisk origin = new SimulatedDisk(ORIGIN, 512, power);
        for (int chunk = 0; chunk < ORIGIN / CHUNK; chunk++) {
            origin.writeNow((long) chunk * CHUNK, originChunk(chunk));
        }
        byte[] expected = origin.readNow(0, ORIGIN);
        SimulatedDisk storeDisk = new SimulatedDisk(STORE, 512, power);
        SlowDisk store = new SlowDisk(storeDisk);
        long operations;
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            sim.create(SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK), store);
            BlockDevice open = sim.set.openOrigin();
            for (int chunk = 0; chunk < BEFORE; chunk++) {
                assertEquals(Errno.OK, sim.write(open, (long) chunk * CHUNK, new byte[CHUNK]));
            }
            assertEquals(Errno.OK, sim.flush(open));
            long before = power.operations();
            List<BlockRequest> copies = beginCopies(sim, open, store);
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            for (int which : order) {
                sim.loops.enter(1, () -> store.release(copies.get(which)));
                sim.loops.runUntilIdle();
            }
            operations = power.operations() - before;
        }
        SplittableRandom random = Seeds.splittable(cut * 31 + order.hashCode());
        storeDisk.crash(random);
        origin.crash(random);
        check(storeDisk, origin, expected, where);
        return operations;
    }

    /** Writes to the origin whose copies wait at the store; only data is kept back, no tables. */
    private static List<BlockRequest> beginCopies(SimSet sim, BlockDevice origin, SlowDisk store) {
        store.hold(r -> r.operation() == BlockOperation.WRITE && !r.hasFlag(BlockRequest.FUA));
        for (int i = 0; i < COPIES; i++) {
            sim.startWrite(0, origin, (long) (BEFORE + i) * CHUNK, new byte[CHUNK]);
            sim.loops.runUntilIdle();
        }
        List<BlockRequest> copies = List.copyOf(store.held());
        assertEquals(COPIES, copies.size());
        return copies;
    }

    private static void check(SimulatedDisk store, SimulatedDisk origin, byte[] expected, String where)
            throws StorageException {
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            SnapshotStatus status = sim.await(sim.set.load(SnapshotSpec.of("s", StoreType.PERSISTENT), store));
            assertEquals(SnapshotState.ACTIVE, status.state(), where);
            // Next free = highest recorded + 1, and nothing below is missing: records and chunks in use are as many.
            long dataChunks = (status.allocatedBytes() - status.metadataBytes()) / CHUNK;
            assertEquals(status.chunks(), dataChunks, where + ": chunks without a record");
            assertTrue(status.chunks() >= BEFORE, where);
            assertRecordsAreDense(store, (int) status.chunks(), where);
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertArrayEquals(expected, sim.read(snapshot, 0, ORIGIN), where);
            // And it goes on.
            assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), ORIGIN - CHUNK, new byte[CHUNK]), where);
            assertArrayEquals(expected, sim.read(snapshot, 0, ORIGIN), where + ", after going on");
        }
    }

    private static void assertRecordsAreDense(SimulatedDisk store, int records, String where) {
        for (int i = 0; i < records; i++) {
            long area = 1 + (long) (i / RECORDS) * (RECORDS + 1);
            ByteBuffer record = ByteBuffer.wrap(store.readNow(area * CHUNK + i % RECORDS * 16L, 16))
                    .order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(area + 1 + i % RECORDS, record.getLong(8), where + ": record " + i);
        }
    }

    private static List<List<Integer>> permutations(int n) {
        if (n == 0) {
            return List.of(List.of());
        }
        List<List<Integer>> all = new ArrayList<>();
        for (List<Integer> shorter : permutations(n - 1)) {
            for (int at = 0; at < n; at++) {
                List<Integer> longer = new ArrayList<>(shorter);
                longer.add(at, n - 1);
                all.add(longer);
            }
        }
        return all;
    }
}
