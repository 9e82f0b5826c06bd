package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is refused before anything is written, and that the message names the way out. */
class BadInputTest {
    private static final int CHUNK = 4096;
    private static final SnapshotSpec PERSISTENT =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk origin = new SimulatedDisk(1 << 20);
    private final SimulatedDisk store = new SimulatedDisk(1 << 20);
    private final SimSet sim = new SimSet(origin, 1, 1);

    @AfterEach
    void finish() throws StorageException {
        sim.shutDown();
    }

    private void assertRefused(SnapshotSpec spec, SimulatedDisk device, String... words) {
        long before = device.writes() + origin.writes();
        String message = sim.refused(sim.set.create(spec, device));
        for (String word : words) {
            assertTrue(message.contains(word), () -> message + " lacks: " + word);
        }
        assertEquals(before, device.writes() + origin.writes(), "something was written");
    }

    private void assertLoadRefused(SimulatedDisk device, String... words) {
        long before = device.writes();
        String message = sim.refused(sim.set.load(PERSISTENT, device));
        for (String word : words) {
            assertTrue(message.contains(word), () -> message + " lacks: " + word);
        }
        assertEquals(before, device.writes(), "something was written");
    }

    private static byte[] header(int magic, int valid, int version, int sectors) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(magic)
                .putInt(valid)
                .putInt(version)
                .putInt(sectors)
                .array();
    }

    /** S-L3. */
    @Test
    void theOriginAsItsOwnStore() {
        assertRefused(PERSISTENT, origin, "origin itself", "another device");
    }

    /** S-L1. */
    @Test
    void impossibleChunkSizes() {
        for (long chunk : new long[] {256, 3 * 4096, -4096, 1L << 31}) {
            assertRefused(PERSISTENT.withChunkBytes(chunk), store, "power of two between 512 and 1073741824");
        }
        SimulatedDisk largeSectors = new SimulatedDisk(1 << 20, 4096, new PowerSupply());
        assertRefused(PERSISTENT.withChunkBytes(2048), largeSectors, "between 4096 and");
        assertRefused(SnapshotSpec.of("s", StoreType.TRANSIENT), store, "needs a chunk size");
    }

    /** S-L1: a copy of the origin's end would be refused by the store, and the snapshot lost with the first write. */
    @Test
    void anOriginThatEndsWithinASectorOfItsStore() throws StorageException {
        SimulatedDisk odd = new SimulatedDisk((64 << 10) + 3 * 512);
        SimulatedDisk large = new SimulatedDisk(1 << 20, 4096, new PowerSupply());
        SnapshotSpec passing = SnapshotSpec.of("s", StoreType.TRANSIENT).withChunkBytes(CHUNK);
        try (SimSet other = new SimSet(odd, 1, 1)) {
            for (SnapshotSpec spec : new SnapshotSpec[] {PERSISTENT, passing}) {
                String message = other.refused(other.set.create(spec, large));
                assertTrue(message.contains("67072 bytes") && message.contains("sectors of 4096 bytes"), message);
                assertTrue(message.contains("use a store of smaller sectors"), message);
            }
            assertEquals(0, large.writes(), "something was written");
            // One that was copied there from a disk of smaller sectors.
            large.writeNow(0, header(0x70416E53, 1, 1, CHUNK / 512));
            String message = other.refused(other.set.load(PERSISTENT, large));
            assertTrue(message.contains("sectors of 4096 bytes"), message);

            Snapshot snapshot = other.createAndOpen(PERSISTENT, store);
            BlockDevice device = other.set.openOrigin();
            assertEquals(0, other.write(device, odd.sizeBytes() - 512, new byte[512]));
            assertEquals(SnapshotState.ACTIVE, other.status("s").state());
            assertEquals(odd.sizeBytes(), snapshot.geometry().sizeBytes());
            assertEquals(0, other.write(snapshot, odd.sizeBytes() - 512, new byte[512]), "its last sector");
            snapshot.close();
            device.close();
            other.shutDown();
        }
    }

    /** S-L1: 2^21 sectors work as far as the store is large enough for them. */
    @Test
    void theLargestChunkNeedsALargeStore() {
        assertRefused(PERSISTENT.withChunkBytes(1L << 30), store, "needs at least 3221225472");
    }

    /** What a remote server says is no reason to allocate: 2^62 bytes would take 32 GiB for the first level. */
    @Test
    void anOriginThatIsTooLargeForItsChunks() throws StorageException {
        SimSet huge = new SimSet(
                new ForwardingDevice(new SimulatedDisk(1 << 20)) {
                    @Override
                    public BlockGeometry geometry() {
                        return new BlockGeometry(1L << 62, 512, false, 0);
                    }

                    @Override
                    public long sizeBytes() {
                        return 1L << 62;
                    }
                },
                1,
                1);
        String message = huge.refused(huge.set.create(PERSISTENT, store));
        assertTrue(message.contains("too many for chunks of 4096 bytes; choose larger ones"), message);
        store.writeNow(0, header(0x70416E53, 1, 1, 8));
        message = huge.refused(huge.set.load(PERSISTENT, store));
        assertTrue(message.contains("it is another origin's"), message);
        huge.shutDown();
    }

    /** S-L1: the default. */
    @Test
    void theDefaultChunkIs16KibibytesOrTheSectorSize() throws StorageException {
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT);
        assertEquals(16 << 10, sim.create(spec, store).chunkBytes());
        SimulatedDisk largeSectors = new SimulatedDisk(1 << 20, 32 << 10, new PowerSupply());
        assertEquals(32 << 10, sim.create(spec.withName("t"), largeSectors).chunkBytes());
    }

    @Test
    void aStoreThatIsTooSmall() {
        assertRefused(PERSISTENT, new SimulatedDisk(2 * CHUNK), "needs at least 12288");
        assertLoadRefused(new SimulatedDisk(1024), "too few for any store");
    }

    @Test
    void aDeviceWithSomethingOnIt() throws StorageException {
        store.writeNow(4000, new byte[] {1});
        assertRefused(PERSISTENT, store, "something on the store device", "wipe");
        SimulatedDisk other = new SimulatedDisk(1 << 20);
        sim.create(PERSISTENT, other);
        assertRefused(PERSISTENT.withName("t"), other, "in use by snapshot s");
        assertRefused(PERSISTENT, store, "snapshot of this name");
    }

    @Test
    void aStoreThatHoldsASnapshotOrHeldOne() {
        store.writeNow(0, header(0x70416E53, 1, 1, 8));
        assertRefused(PERSISTENT, store, "holds a snapshot already", "open it");
        store.writeNow(0, header(0x70416E53, 0, 1, 8));
        assertRefused(PERSISTENT, store, "became invalid", "wipe");
    }

    /** S-L2. */
    @Test
    void somethingThatIsNoStoreIsNotLoaded() {
        assertLoadRefused(store, "holds no snapshot store", "create");
        store.writeNow(0, header(0x70416E54, 1, 1, 8));
        assertLoadRefused(store, "holds no snapshot store");
        store.writeNow(0, header(0x70416E53, 1, 2, 8));
        assertLoadRefused(store, "version 2");
        for (int sectors : new int[] {0, 3, -8, 1 << 22}) {
            store.writeNow(0, header(0x70416E53, 1, 1, sectors));
            assertLoadRefused(store, "cannot be on these devices");
        }
        String message = sim.refused(sim.set.load(SnapshotSpec.of("t", StoreType.TRANSIENT), store));
        assertTrue(message.contains("create a new one"), message);
    }

    /** 11.1, 11.2: what a record cannot say. */
    @Test
    void damagedTables() {
        store.writeNow(0, header(0x70416E53, 1, 1, 8));
        long[][] records = {{0, 1}, {0, 256}, {256, 2}, {-1, 2}, {0, -1}};
        for (long[] record : records) {
            store.writeNow(4096, record(record[0], record[1]));
            assertLoadRefused(store, "record 0 of table 0", "damaged, or belongs to another origin");
        }
        store.writeNow(4096, record(5, 2));
        store.writeNow(4096 + 16, record(5, 3));
        assertLoadRefused(store, "record 1 of table 0");
        store.writeNow(4096 + 16, record(6, 2));
        assertLoadRefused(store, "two records map to chunk 2", "damaged");
        byte[] full = new byte[4096];
        for (int i = 0; i < 256; i++) {
            System.arraycopy(record(i, 2 + i), 0, full, 16 * i, 16);
        }
        SimulatedDisk cut = new SimulatedDisk(258 * 4096);
        cut.writeNow(0, header(0x70416E53, 1, 1, 8));
        cut.writeNow(4096, full);
        SimulatedDisk large = new SimulatedDisk(1 << 21);
        assertEquals(0, large.writes());
        assertLoadRefused(cut, "beyond the end of its device", "full size");
    }

    private static byte[] record(long oldChunk, long newChunk) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(oldChunk)
                .putLong(newChunk)
                .array();
    }

    /** S-D2. */
    @Test
    void passdownNeedsZeroing() {
        assertRefused(PERSISTENT.withDiscard(false, true), store, "discard_passdown_origin needs discard_zeroes_cow");
    }

    @Test
    void loadingAfterTheOriginWasOpened() throws StorageException {
        store.writeNow(0, header(0x70416E53, 1, 1, 8));
        BlockDevice open = sim.set.openOrigin();
        assertLoadRefused(store, "open all snapshots before the origin");
        open.close();
        sim.await(sim.set.load(PERSISTENT, store));
    }

    /** S-M1, S-M6. */
    @Test
    void mergesThatCannotBe() throws StorageException {
        sim.create(PERSISTENT, store);
        sim.create(SnapshotSpec.of("memory", StoreType.TRANSIENT).withChunkBytes(CHUNK), new SimulatedDisk(1 << 20));
        assertMergeRefused("nobody", "no snapshot nobody");
        assertMergeRefused("memory", "only persistent");
        BlockDevice open = sim.set.openOrigin();
        assertMergeRefused("s", "origin is open", "close it");
        open.close();
        Snapshot snapshot = sim.set.openSnapshot("s");
        assertMergeRefused("s", "in use", "close it");
        snapshot.close();
        SimulatedDisk tiny = new SimulatedDisk(3 * CHUNK);
        sim.create(PERSISTENT.withName("tiny"), tiny);
        open = sim.set.openOrigin();
        sim.write(open, 0, new byte[8192]);
        open.close();
        assertMergeRefused("tiny", "contents are lost", "delete it");
        sim.await(sim.set.delete("tiny"));
    }

    private void assertMergeRefused(String name, String... words) {
        String message = sim.refused(sim.set.merge(name));
        for (String word : words) {
            assertTrue(message.contains(word), () -> message + " lacks: " + word);
        }
    }

    /** S-M1: one at a time. */
    @Test
    void aSecondMergeAndASnapshotDuringOne() throws StorageException {
        sim.create(PERSISTENT, store);
        sim.create(PERSISTENT.withName("t"), new SimulatedDisk(1 << 20));
        try (Snapshot snapshot = sim.set.openSnapshot("s")) {
            for (int i = 0; i < 1 << 20; i += 8192) {
                sim.write(snapshot, i, new byte[CHUNK]);
            }
        }
        var first = sim.set.merge("s");
        while (!first.isDone()) {
            sim.loops.runOne();
        }
        var second = sim.set.merge("t");
        var created = sim.set.create(PERSISTENT.withName("u"), new SimulatedDisk(1 << 20));
        var deleted = sim.set.delete("s");
        assertTrue(sim.refused(second).contains("s is being merged already; one at a time"));
        assertTrue(sim.refused(created).contains("wait until that is done"));
        assertTrue(sim.refused(deleted).contains("finish the merge first"));
        assertEquals(SnapshotState.MERGED, sim.status("s").state());
    }

    /** S-H1. */
    @Test
    void handoverFromAnActiveSourceOrTwice() throws StorageException {
        sim.create(PERSISTENT, store);
        SnapshotSpec destination = PERSISTENT.withName("d");
        assertTrue(sim.refused(sim.set.handOver("s", destination)).contains("suspend it before"));
        sim.await(sim.set.suspend("s"));
        SnapshotSpec memory = SnapshotSpec.of("d", StoreType.TRANSIENT);
        assertTrue(sim.refused(sim.set.handOver("s", memory)).contains("keep its type"));
        sim.await(sim.set.handOver("s", destination));
        assertTrue(sim.refused(sim.set.handOver("s", PERSISTENT.withName("e"))).contains("no snapshot s"));
        sim.await(sim.set.resume("d"));
    }
}
