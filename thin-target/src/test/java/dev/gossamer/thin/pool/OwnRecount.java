package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.account.VolumeAccount;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;

/** What volumes have of their own, and what they need, counted anew from all their mappings (AC-1, AC-13). */
final class OwnRecount {
    /** Of a tree at a time, so that counting goes on from many places. */
    private static final int NODES = 3;

    /** For steps of the pool's own count. */
    private static final long A_STEP_NANOS = 10_000_000L;

    private OwnRecount() {}

    /** The count of each volume is what is found, if it is known; otherwise no more. */
    static void check(SimPool sim, String where) throws StorageException {
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            checkOnWorker(sim, where);
            return null;
        }));
    }

    /** As the other, once everything is known. */
    static void checkAll(SimPool sim, String where) throws StorageException {
        for (int i = 0; i < 1000 && !isKnown(sim); i++) {
            sim.loops.advance(A_STEP_NANOS);
        }
        assertTrue(isKnown(sim), where + ": not counted in the end");
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            countOthers(sim);
            checkOnWorker(sim, where);
            return null;
        }));
    }

    /** Of all volumes that have a promise. */
    static boolean isKnown(SimPool sim) {
        return !sim.pool.parts.devices.account().isCounting();
    }

    /** The pool itself leaves those alone that have no promise. */
    private static void countOthers(SimPool sim) throws StorageException {
        PoolMetadata metadata = sim.pool.parts.metadata;
        boolean privateOnly = metadata.heldRoot() == 0 && sim.pool.parts.reclaimer.pendingVolumes() == 0;
        for (ThinDevice device : sim.pool.parts.devices.all()) {
            boolean known = false;
            while (!known) {
                known = metadata.countOwn(device.id(), NODES, privateOnly);
            }
        }
    }

    private static void checkOnWorker(SimPool sim, String where) throws StorageException {
        PoolMetadata metadata = sim.pool.parts.metadata;
        long needed = 0;
        for (ThinDevice device : sim.pool.parts.devices.all()) {
            VolumeAccount account = device.account();
            long own = count(metadata, device.id());
            if (account.own().isKnown()) {
                assertEquals(own, account.own().atLeast(), where + ": own blocks of " + device.name());
            }
            assertTrue(account.own().atLeast() <= own, where + ": more than " + device.name() + " has");
            needed += account.need();
            assertEquals(account.needWith(account.promised()), account.need(), where + ": " + device.name());
        }
        assertEquals(needed, sim.pool.parts.devices.account().neededBlocks(), where + ": the sum of what is needed");
        boolean canWrite = sim.pool.mode() == PoolMode.WRITE || sim.pool.mode() == PoolMode.OUT_OF_DATA_SPACE;
        if (canWrite && !sim.pool.parts.devices.account().isCounting()) {
            assertTrue(
                    needed <= metadata.dataBlocksUnused(),
                    where + ": " + needed + " promised, " + metadata.dataBlocksUnused() + " unused");
        }
    }

    /** Mappings of a device with a time at or after its last snapshot. */
    static long count(PoolMetadata metadata, int id) throws StorageException {
        int snapshotted = metadata.details(id).snapshottedTime();
        long own = 0;
        BTreeCursor cursor = metadata.cursor(id, 0);
        while (cursor.next()) {
            own += Mapping.time(cursor.value(0)) >= snapshotted ? 1 : 0;
        }
        return own;
    }
}
