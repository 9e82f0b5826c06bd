package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.Arrays;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** No store is taken for another (rule S-L5). */
class StoreIdentityTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 64 << 10;
    private static final UUID ID = new UUID(0x1234, 0x5678);

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final SimulatedDisk store = new SimulatedDisk(2 * SIZE);
    private final SimulatedDisk other = new SimulatedDisk(2 * SIZE);

    private static SnapshotSpec spec(String name, UUID id) {
        return SnapshotSpec.of(name, StoreType.PERSISTENT).withChunkBytes(CHUNK).withStoreId(id);
    }

    @Test
    void swappedStoresAreRefusedAndLeftAsTheyAre() throws StorageException {
        UUID id = new UUID(9, 9);
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            Snapshot snapshot = sim.createAndOpen(spec("s", ID), store);
            assertEquals(Errno.OK, sim.write(snapshot, 0, new byte[CHUNK]));
            sim.create(spec("t", id), other);
            snapshot.close();
            sim.shutDown();
        }
        byte[] before = store.readNow(0, 2 * SIZE);
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            String refusal = sim.refused(sim.set.load(spec("t", id), store));
            assertTrue(refusal.contains("t: the device holds another snapshot's store"), refusal);
            sim.refused(sim.set.load(spec("t", null), store));
            assertEquals(1, sim.await(sim.set.load(spec("s", ID), store)).chunks());
            sim.await(sim.set.load(spec("t", id), other));
            sim.shutDown();
        }
        assertArrayEquals(before, store.readNow(0, 2 * SIZE));
    }

    /** S-L6: the kernel's stores have no id; then what their devices tell keeps them apart. */
    @Test
    void swappedStoresOfTheKernelsKindAreRefusedAndLeftAsTheyAre() throws StorageException {
        store.setIdentityName("serial A");
        other.setIdentityName("serial B");
        SnapshotSpec s = spec("s", null).withStoreDevice(StorageIdentity.of(store));
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            Snapshot snapshot = sim.createAndOpen(s, store);
            sim.create(spec("t", null), other);
            assertEquals(Errno.OK, sim.write(snapshot, 0, new byte[CHUNK]));
            snapshot.close();
            sim.shutDown();
        }
        byte[] before = other.readNow(0, 2 * SIZE);
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            String refusal = sim.refused(sim.set.load(s, other));
            assertTrue(refusal.contains("is not the device that its store was (serial A, 131072 bytes)"), refusal);
            assertEquals(1, sim.await(sim.set.load(s, store)).chunks());
            sim.shutDown();
        }
        assertArrayEquals(before, other.readNow(0, 2 * SIZE));
    }

    /** S-L6: a device that tells only its size is known by the store's id, and may have grown. */
    @Test
    void aStoreWithAnIdOnADeviceThatTellsNothingMayGrow() throws StorageException {
        StorageIdentity size = StorageIdentity.of(store);
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            sim.create(spec("s", ID), store);
            sim.create(spec("t", null), other);
            sim.shutDown();
        }
        store.resize(3 * SIZE);
        other.resize(3 * SIZE);
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            sim.await(sim.set.load(spec("s", ID).withStoreDevice(size), store));
            sim.refused(sim.set.load(spec("t", null).withStoreDevice(size), other));
            sim.shutDown();
        }
    }

    /** S-L6: a merge that goes on would write over another disk that stands where the origin stood. */
    @Test
    void anotherDiskInTheOriginsPlaceIsRefusedAndLeftAsItIs() throws StorageException {
        origin.setIdentityName("serial O");
        StorageIdentity known = StorageIdentity.of(origin);
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            Snapshot snapshot = sim.createAndOpen(spec("s", ID), store);
            assertEquals(Errno.OK, sim.write(snapshot, 0, new byte[8 * CHUNK]));
            snapshot.close();
            sim.shutDown();
        }
        SimulatedDisk stranger = new SimulatedDisk(SIZE);
        byte[] foreign = new byte[SIZE];
        Arrays.fill(foreign, (byte) 99);
        stranger.writeNow(0, foreign);
        for (String name : new String[] {"", "serial X"}) {
            stranger.setIdentityName(name);
            StorageException refused =
                    assertThrows(StorageException.class, () -> new SimSet(stranger, known, 2, 1).close());
            assertTrue(refused.getMessage().contains("its snapshots would destroy it"), refused.getMessage());
        }
        assertArrayEquals(foreign, stranger.readNow(0, SIZE));
        origin.resize(2 * SIZE);
        try (SimSet sim = new SimSet(origin, known, 3, 1)) {
            sim.await(sim.set.load(spec("s", ID), store));
            sim.await(sim.set.merge("s"));
            sim.await(sim.set.mergeFinished());
            sim.shutDown();
        }
    }

    /** A lost snapshot's store is still that snapshot's. */
    @Test
    void theIdentityStaysWhenTheSnapshotIsLost() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(3 * CHUNK);
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            sim.create(spec("s", ID), small);
            assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, new byte[SIZE]));
            assertEquals(SnapshotState.INVALID, sim.status("s").state());
        }
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            assertEquals(
                    SnapshotState.INVALID,
                    sim.await(sim.set.load(spec("s", ID), small)).state());
            sim.shutDown();
        }
    }

    /** With small chunks there are records in what a new store wants to be zero. */
    @Test
    void aStoreOfSmallChunksIsFreeWhenItsSnapshotIsDeleted() throws StorageException {
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            Snapshot snapshot = sim.createAndOpen(spec("s", ID).withChunkBytes(512), store);
            assertEquals(Errno.OK, sim.write(snapshot, 0, new byte[CHUNK]));
            snapshot.close();
            sim.await(sim.set.delete("s"));
            sim.create(spec("t", ID).withChunkBytes(512), store);
            sim.shutDown();
        }
    }
}
