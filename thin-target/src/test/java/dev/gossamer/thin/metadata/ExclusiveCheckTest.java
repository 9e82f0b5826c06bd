package dev.gossamer.thin.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.FrozenTransaction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rules D-4 to D-6a on the metadata alone: who may write in place, in the running state and in the committed one. */
class ExclusiveCheckTest {
    private static final int A = 1;
    private static final int B = 2;

    private final SimulatedDisk disk = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(4096L * (64 << 10));
    private final IoBufferPool buffers = new IoBufferPool(1 << 20);
    private PoolMetadata metadata;

    @BeforeEach
    void open() throws StorageException {
        BlockingIo io = new BlockingIo(disk, new InlineLoop(null, buffers));
        PoolFormat.format(io, data, 64 << 10);
        metadata = PoolMetadata.open(io, data, PoolMetadata.CACHE_BLOCKS);
    }

    @AfterEach
    void close() {
        metadata.close();
        buffers.close();
    }

    /** A with 10 blocks, enough for one leaf, and B a committed snapshot of it. */
    private void aAndItsSnapshotB() throws StorageException {
        metadata.life().createDevice(A);
        for (int block = 0; block < 10; block++) {
            map(A, block);
        }
        metadata.life().createSnapshot(B, A);
        commit();
    }

    @Test
    void aLeafThatTwoDevicesHaveMakesAllItsBlocksSharedThoughEachCountsOnce() throws StorageException {
        aAndItsSnapshotB();
        assertFalse(metadata.isExclusive(A, 3), "D-5");
        assertFalse(metadata.isExclusive(B, 3), "D-5");
    }

    @Test
    void aBlockIsExclusiveOnlyOnceTheLossOfTheOtherReferenceIsCommitted() throws StorageException {
        aAndItsSnapshotB();
        metadata.removeRange(B, 3, 4);
        assertFalse(metadata.isExclusive(A, 3), "D-6a: a crash would bring B's mapping back");
        map(B, 4);
        assertFalse(metadata.isExclusive(A, 4), "D-6a: rewritten by B");
        commit();
        assertTrue(metadata.isExclusive(A, 3), "D-6");
        assertTrue(metadata.isExclusive(A, 4), "D-6");
        assertFalse(metadata.isExclusive(A, 5), "B still has it");
    }

    @Test
    void aDeletedDeviceCountsUntilTheCommitAlsoInLeavesCopiedSince() throws StorageException {
        aAndItsSnapshotB();
        metadata.life().deleteDevice(B);
        assertFalse(metadata.isExclusive(A, 3), "D-6a");
        // A's leaf is private now and is copied because of the commit alone: the copy has no trace of B.
        map(A, 9);
        assertFalse(metadata.isExclusive(A, 3), "D-6a");
        commit();
        assertTrue(metadata.isExclusive(A, 3));
    }

    @Test
    void aRolledBackDeviceCountsUntilTheCommit() throws StorageException {
        aAndItsSnapshotB();
        int kept = 3;
        map(B, 3);
        commit();
        assertTrue(metadata.isExclusive(A, 3), "B has a block of its own there");
        metadata.life().rollBack(B, A, kept);
        commit();
        assertFalse(metadata.isExclusive(A, 3), "B has A's again");
        assertFalse(metadata.isExclusive(A, 4), "all three have it");
        metadata.life().rollBack(B, kept, 4);
        metadata.life().deleteDevice(4);
        assertFalse(metadata.isExclusive(A, 3), "D-6a: dropped by a rollback that is not committed");
        commit();
        assertTrue(metadata.isExclusive(A, 3));
    }

    @Test
    void whatIsMappedInThisTransactionIsExclusiveAtOnce() throws StorageException {
        aAndItsSnapshotB();
        map(A, 3);
        map(A, 20);
        assertTrue(metadata.isExclusive(A, 3), "D-2: the data block was free in the committed state");
        assertTrue(metadata.isExclusive(A, 20));
        assertFalse(metadata.isExclusive(B, 3), "D-6a: what A let go of is A's again after a crash");
        assertFalse(metadata.isExclusive(A, 21), "not mapped");
    }

    /** A block of B's, mapped by the transaction that is now being written, and one of A's from before it. */
    private FrozenTransaction freezeWithBlocksOfBoth() throws StorageException {
        metadata.life().createDevice(A);
        metadata.life().createDevice(B);
        map(A, 20);
        commit();
        map(B, 3);
        return metadata.freeze();
    }

    private void expectCopiesUntilItIsStable(FrozenTransaction writing) throws StorageException {
        metadata.removeRange(B, 3, 4);
        assertFalse(metadata.isExclusive(A, 3), "D-6a: B's, if a crash leads to the transaction being written");
        assertTrue(metadata.isExclusive(A, 20), "A's alone in every state");
        metadata.writer().writeNow(writing, null);
        metadata.releaseFreedDataBlocks(metadata.committed());
        assertFalse(metadata.isExclusive(A, 3), "D-6a: B's in the committed state");
        commit();
        assertTrue(metadata.isExclusive(A, 3));
    }

    @Test
    void aBlockThatIsClonedWhileItsTransactionIsWrittenIsNotTheClonesAlone() throws StorageException {
        FrozenTransaction writing = freezeWithBlocksOfBoth();
        BlockSharing sharing = metadata.references().sharing();
        sharing.put(B, A, 3, sharing.read(B, 3, 1));
        expectCopiesUntilItIsStable(writing);
    }

    @Test
    void norIsOneThatACopyIsMergedWith() throws StorageException {
        FrozenTransaction writing = freezeWithBlocksOfBoth();
        long copy = map(A, 3);
        long original = Mapping.dataBlock(metadata.lookup(B, 3));
        BlockMoves.Plan plan = metadata.references().moves().planSome(new TreeMap<>(Map.of(copy, Set.of(3L))));
        plan.merge(Map.of(copy, original), Set.of(A, B), metadata.time());
        expectCopiesUntilItIsStable(writing);
    }

    /** Which data block stands behind each block of each device. */
    private static final class Model {
        final Map<Integer, TreeMap<Integer, Long>> devices = new HashMap<>();

        Model copy() {
            Model copy = new Model();
            devices.forEach((id, mapped) -> copy.devices.put(id, new TreeMap<>(mapped)));
            return copy;
        }

        boolean has(long dataBlock, int id, int block) {
            return devices.containsKey(id)
                    && Long.valueOf(dataBlock).equals(devices.get(id).get(block));
        }

        boolean hasOther(long dataBlock, int id, int block) {
            for (var device : devices.entrySet()) {
                for (var mapping : device.getValue().entrySet()) {
                    boolean same = device.getKey() == id && mapping.getKey() == block;
                    if (mapping.getValue() == dataBlock && !same) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    @Test
    void theTestAgreesWithANaiveModelInBothStates() throws StorageException {
        for (long seed = 1; seed <= 4; seed++) {
            randomHistory(seed);
            metadata.close();
            disk.writeNow(0, new byte[4096]);
            open();
        }
    }

    private void randomHistory(long seed) throws StorageException {
        SplittableRandom random = Seeds.splittable(seed);
        Model running = new Model();
        Model committed = new Model();
        // While a transaction is being written; snapshots begin in none that could be, and clones at any time.
        Model frozen = null;
        FrozenTransaction writing = null;
        boolean sharingBegan = false;
        boolean cloned = false;
        boolean frozenCloned = false;
        int heldBackByClones = 0;
        int nextId = 0;
        int during = 0;
        int exclusive = 0;
        int heldBack = 0;
        for (int step = 0; step < 400; step++) {
            List<Integer> ids = new ArrayList<>(running.devices.keySet());
            int id = ids.isEmpty() ? -1 : ids.get(random.nextInt(ids.size()));
            // Keys far apart and close together: several leaves, that are split and merged.
            int block = random.nextInt(3) * 1000 + random.nextInt(300);
            int choice = ids.isEmpty() ? 0 : random.nextInt(27);
            boolean beginsSharing = choice == 1 || choice == 2 || choice == 4;
            if (writing != null && (beginsSharing || choice == 8 || choice == 9)) {
                metadata.writer().writeNow(writing, null);
                metadata.releaseFreedDataBlocks(metadata.committed());
                committed = frozen;
                frozen = null;
                writing = null;
                frozenCloned = false;
            }
            sharingBegan |= beginsSharing;
            if (choice == 0 && ids.size() < 5) {
                metadata.life().createDevice(nextId);
                running.devices.put(nextId++, new TreeMap<>());
            } else if (choice <= 2 && ids.size() < 5) {
                metadata.life().createSnapshot(nextId, id);
                running.devices.put(nextId++, new TreeMap<>(running.devices.get(id)));
            } else if (choice == 3) {
                metadata.life().deleteDevice(id);
                running.devices.remove(id);
            } else if (choice == 4 && ids.size() < 5 && ids.size() > 1) {
                int source = ids.get((ids.indexOf(id) + 1) % ids.size());
                metadata.life().rollBack(id, source, nextId);
                running.devices.put(nextId++, running.devices.get(id));
                running.devices.put(id, new TreeMap<>(running.devices.get(source)));
            } else if (choice <= 7) {
                metadata.removeRange(id, block, block + 60);
                running.devices.get(id).subMap(block, block + 60).clear();
            } else if ((choice == 8 || choice == 9) && !sharingBegan && metadata.isChanged()) {
                writing = metadata.freeze();
                frozen = running.copy();
                frozenCloned = cloned;
                cloned = false;
            } else if (choice == 8 || choice == 9) {
                commit();
                committed = running.copy();
                sharingBegan = false;
                cloned = false;
            } else if (choice >= 24) {
                cloned = true;
                clone(running, ids.get(random.nextInt(ids.size())), id, block);
            } else {
                for (int i = 0; i < 40; i++) {
                    running.devices.get(id).put(block + i, map(id, block + i));
                }
            }
            for (var device : running.devices.entrySet()) {
                for (int probe = 0; probe < 12; probe++) {
                    int at = random.nextInt(3) * 1000 + random.nextInt(300);
                    Long dataBlock = device.getValue().get(at);
                    boolean now = dataBlock != null && !running.hasOther(dataBlock, device.getKey(), at);
                    boolean alone = now && !committed.hasOther(dataBlock, device.getKey(), at);
                    boolean old = alone && committed.has(dataBlock, device.getKey(), at);
                    boolean then = alone && !frozenCloned && (old || writing == null || !cloned);
                    heldBackByClones += alone && !then ? 1 : 0;
                    assertEquals(
                            then,
                            metadata.isExclusive(device.getKey(), at),
                            "seed " + seed + " step " + step + " device " + device.getKey() + " block " + at);
                    if (then && frozen != null) {
                        assertFalse(frozen.hasOther(dataBlock, device.getKey(), at), "a crash may lead there, too");
                        during++;
                    }
                    exclusive += then ? 1 : 0;
                    heldBack += now && !then ? 1 : 0;
                }
            }
        }
        if (writing != null) {
            metadata.writer().writeNow(writing, null);
        }
        assertTrue(
                exclusive > 100 && heldBack > 20 && during > 10 && heldBackByClones > 10,
                "seed " + seed + " saw " + exclusive + ", " + heldBack + ", " + during + ", " + heldBackByClones);
    }

    private void clone(Model running, int source, int id, int block) throws StorageException {
        BlockSharing sharing = metadata.references().sharing();
        int to = block + 30;
        sharing.put(source, id, to, sharing.read(source, block, 20));
        for (int i = 0; i < 20; i++) {
            Long dataBlock = running.devices.get(source).get(block + i);
            if (dataBlock == null) {
                running.devices.get(id).remove(to + i);
            } else {
                running.devices.get(id).put(to + i, dataBlock);
            }
        }
    }

    private long map(int id, int block) throws StorageException {
        long dataBlock = metadata.reserveDataBlock();
        metadata.insert(id, block, dataBlock);
        return dataBlock;
    }

    private void commit() throws StorageException {
        CommitNow.commit(metadata);
    }
}
