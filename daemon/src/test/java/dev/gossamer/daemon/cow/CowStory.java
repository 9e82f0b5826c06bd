package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.snapshot.SnapshotState;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import dev.gossamer.thin.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * One origin and its snapshots through any number of lives of a daemon, beside a model of what each of them holds. What
 * was answered is so; what was asked for and not answered may be so. A snapshot is what it was, or it is lost, which
 * needs a reason, and then for ever.
 */
final class CowStory {
    static final String ORIGIN = "disk";
    private static final int SECTORS = CowWorld.SIZE / SectorModel.SECTOR;

    /** What was asked for and not answered. */
    enum Asked {
        NOTHING,
        CREATE,
        DELETE,
        MERGE
    }

    static final class Modelled {
        final String name;
        final String store;
        final StoreType type;
        SectorModel contents;
        Asked asked = Asked.CREATE;
        boolean mayBeLost;
        boolean losesWhenFull;
        boolean isLost;

        Modelled(String name, String store, StoreType type, SectorModel contents) {
            this.name = name;
            this.store = store;
            this.type = type;
            this.contents = contents;
        }

        String export() {
            return ORIGIN + "@" + name;
        }
    }

    /** A write under way. */
    private record Writing(SectorModel to, int sector, int count, int number, SimHarness.Result result) {}

    final CowWorld world = new CowWorld();
    final SplittableRandom random;
    final Map<String, Modelled> snapshots = new TreeMap<>();
    SectorModel origin = SectorModel.zeros(CowWorld.SIZE);
    CowLife life;
    /** The snapshot that is being merged; null if none is. What the origin was without it. */
    Modelled merging;

    private SectorModel withoutMerge;
    private int numbers;
    private final List<BlockDevice> opened = new ArrayList<>();
    private final List<Writing> writes = new ArrayList<>();
    String where = "";
    /** The last one of create or merge. */
    String refusal;

    CowStory(SplittableRandom random) throws StorageException {
        this.random = random;
        world.add("sda", CowWorld.SIZE);
        start();
        life.service.create(new CowRequest(ORIGIN, "sda", null, 0, StoreType.PERSISTENT, null), world::open);
    }

    // ---- lives ----

    /** Starts the daemon. @return whether it serves; it cannot while there is no power */
    boolean start() {
        try {
            life = new CowLife(world, random.nextLong());
            return true;
        } catch (StorageException e) {
            life = null;
            return false;
        }
    }

    /** In good order, as far as its devices let it. */
    void stopWhatever() {
        try {
            stop();
        } catch (StorageException e) {
            end(End.KILL);
        }
    }

    void stop() throws StorageException {
        life.stop();
        life = null;
        snapshots.values().removeIf(each -> each.type == StoreType.TRANSIENT);
    }

    /** The process is gone, and its clients' connections with it. */
    void end(End how) {
        opened.clear();
        writes.clear();
        if (life != null) {
            life.close();
            life = null;
        }
        world.end(how, random);
        if (how == End.POWER_CUT) {
            origin.powerLost();
            if (withoutMerge != null) {
                withoutMerge.powerLost();
            }
            snapshots.values().forEach(each -> each.contents.powerLost());
        }
        snapshots.values().removeIf(each -> each.type == StoreType.TRANSIENT);
    }

    // ---- changes ----

    /** Makes a snapshot. @return whether it was made */
    boolean create(Modelled made, int chunkBytes, StoreFullAction action) {
        snapshots.put(made.name, made);
        try {
            life.service.create(
                    new CowRequest(made.export(), null, made.store, chunkBytes, made.type, action), world::open);
            made.asked = Asked.NOTHING;
            origin.flushed();
            return true;
        } catch (StorageException e) {
            refusal = e.getMessage();
            return false;
        }
    }

    boolean delete(Modelled snapshot) {
        snapshot.asked = Asked.DELETE;
        try {
            life.service.delete(snapshot.export(), true);
        } catch (StorageException e) {
            return false;
        }
        gone(snapshot);
        return true;
    }

    private void gone(Modelled snapshot) {
        snapshots.remove(snapshot.name);
        if (merging == snapshot) {
            origin = origin.mixedWith(withoutMerge);
            merging = null;
            withoutMerge = null;
        }
    }

    boolean merge(Modelled snapshot) {
        Asked before = snapshot.asked;
        snapshot.asked = Asked.MERGE;
        try {
            life.service.merge(snapshot.export());
        } catch (StorageException e) {
            refusal = e.getMessage();
            snapshot.asked = before == Asked.NOTHING ? Asked.MERGE : before;
            return false;
        }
        merged(snapshot);
        return true;
    }

    /** From here on the origin has what the snapshot had. */
    private void merged(Modelled snapshot) {
        snapshot.asked = Asked.NOTHING;
        if (merging == null) {
            merging = snapshot;
            withoutMerge = origin;
            origin = snapshot.contents.copy();
        }
    }

    /** It was, to the end, and its snapshot is gone. */
    void verifyMerged(Modelled snapshot) throws StorageException {
        assertEquals(snapshot, merging, where);
        merging = null;
        withoutMerge = null;
        snapshots.remove(snapshot.name);
        check(ORIGIN, origin);
        closeAll();
    }

    // ---- clients ----

    /** Writes here and there, on two loops, of which no two touch the same sector; they stay under way. */
    void startWrites(int count) {
        List<Map.Entry<SectorModel, BlockDevice>> targets = new ArrayList<>();
        addTarget(targets, origin, open(ORIGIN));
        for (Modelled each : snapshots.values()) {
            if (each.asked == Asked.NOTHING && !each.isLost && each != merging) {
                addTarget(targets, each.contents, open(each.export()));
            }
        }
        if (targets.isEmpty()) {
            return;
        }
        int slot = SECTORS / count;
        for (int i = 0; i < count; i++) {
            int chosen = random.nextInt(2) * random.nextInt(targets.size());
            Map.Entry<SectorModel, BlockDevice> target = targets.get(chosen);
            int sector = i * slot + random.nextInt(slot);
            int length = 1 + random.nextInt(i * slot + slot - sector);
            int number = ++numbers;
            target.getKey().writing(sector, length, number);
            SimHarness.Result result = life.start(
                    random.nextInt(2),
                    target.getValue(),
                    BlockOperation.WRITE,
                    (long) sector * SectorModel.SECTOR,
                    (long) length * SectorModel.SECTOR,
                    0,
                    SectorModel.bytes(length, number));
            writes.add(new Writing(target.getKey(), sector, length, number, result));
            for (int tasks = random.nextInt(8); tasks > 0; tasks--) {
                life.loops.runOne();
            }
        }
    }

    private void addTarget(
            List<Map.Entry<SectorModel, BlockDevice>> targets, SectorModel contents, BlockDevice device) {
        if (device != null) {
            targets.add(Map.entry(contents, device));
        }
    }

    BlockDevice open(String export) {
        BlockDevice device = life.open(export);
        if (device != null) {
            opened.add(device);
        }
        return device;
    }

    /** All writes end; then a FLUSH, and clients go. */
    void endWrites(boolean flush) {
        life.pass();
        for (Writing each : writes) {
            assertTrue(each.result.isDone(), where + ": a write hangs");
            if (each.result.errno == Errno.OK) {
                each.to.written(each.sector, each.count, each.number);
            }
        }
        writes.clear();
        if (flush) {
            flush(ORIGIN, origin);
            snapshots.values().stream()
                    .filter(each -> each.asked == Asked.NOTHING && !each.isLost && each != merging)
                    .forEach(each -> flush(each.export(), each.contents));
        }
        closeAll();
    }

    private void flush(String export, SectorModel contents) {
        BlockDevice device = open(export);
        if (device != null && run(device, BlockOperation.FLUSH, 0, 0).errno == Errno.OK) {
            contents.flushed();
        }
    }

    void closeAll() {
        life.loops.enter(0, () -> opened.forEach(BlockDevice::close));
        opened.clear();
        life.pass();
    }

    SimHarness.Result run(BlockDevice device, BlockOperation operation, long offset, long length) {
        SimHarness.Result result = life.start(0, device, operation, offset, length, 0, null);
        life.pass();
        assertTrue(result.isDone(), where + ": a request hangs");
        return result;
    }

    // ---- what must be ----

    /** @param unserved the origin must not be had, because of what happened to its devices */
    void verify(boolean unserved) throws StorageException {
        life.endMerges();
        CowFacts facts = life.service.facts(ORIGIN);
        if (unserved) {
            assertNotEquals("", facts.failure(), where + ": a device is away, and the origin is served");
            assertNull(life.open(ORIGIN), where);
            return;
        }
        assertEquals("", facts.failure(), where);
        settle(facts);
        check(ORIGIN, origin);
        for (Modelled each : List.copyOf(snapshots.values())) {
            if (each.isLost) {
                assertLost(each);
            } else if (each != merging && each.asked == Asked.NOTHING) {
                check(each.export(), each.contents);
            }
        }
        closeAll();
    }

    /** What was not answered has happened, or it has not; what was, is. */
    private void settle(CowFacts facts) {
        for (CowFacts.OfSnapshot found : facts.snapshots()) {
            assertTrue(
                    snapshots.keySet().stream().anyMatch(name -> found.export().equals(ORIGIN + "@" + name)),
                    found::toString);
        }
        for (Modelled each : List.copyOf(snapshots.values())) {
            CowFacts.OfSnapshot found = facts.snapshot(each.export());
            if (found == null) {
                assertTrue(
                        each.asked != Asked.NOTHING || each == merging, () -> where + ": " + each.name + " is missing");
                if (each.asked == Asked.MERGE) {
                    merged(each); // It was, to the end.
                }
                if (merging == each && each.asked != Asked.DELETE) {
                    merging = null;
                    withoutMerge = null;
                }
                gone(each);
            } else {
                settle(each, found);
            }
        }
    }

    private void settle(Modelled each, CowFacts.OfSnapshot found) {
        SnapshotState state = found.status().state();
        if (world.recorded().origin(ORIGIN).snapshot(each.name).isHalf()) {
            assertTrue(each == merging || each.asked != Asked.NOTHING, () -> where + ": " + found);
            return; // The next start takes it away.
        }
        if (each.asked == Asked.MERGE && isMerging(state)) {
            merged(each);
        }
        each.asked = Asked.NOTHING;
        if (state == SnapshotState.INVALID) {
            assertTrue(each.mayBeLost, () -> where + ": lost for no reason: " + found);
            each.isLost = true;
        } else {
            assertTrue(!each.isLost, () -> where + ": it was lost, and is there again: " + found);
            assertEquals(each == merging, isMerging(state), () -> where + ": " + found);
        }
    }

    private static boolean isMerging(SnapshotState state) {
        return state == SnapshotState.MERGING || state == SnapshotState.MERGE_FAILED || state == SnapshotState.MERGED;
    }

    private void check(String export, SectorModel contents) {
        BlockDevice device = open(export);
        assertNotNull(device, () -> where + ": " + export + " cannot be opened");
        SimHarness.Result read = run(device, BlockOperation.READ, 0, CowWorld.SIZE);
        assertEquals(Errno.OK, read.errno, () -> where + ": read of " + export);
        contents.check(read.data, where + ", " + export);
    }

    private void assertLost(Modelled lost) {
        BlockDevice device = open(lost.export());
        if (device != null) {
            assertNotEquals(Errno.OK, run(device, BlockOperation.READ, 0, 4096).errno, where);
        }
        closeAll();
        assertThrows(StorageException.class, () -> life.service.merge(lost.export()), where);
    }

    /** After a start with all devices there: nothing is half made or half gone, and no volume is nobody's store. */
    void assertNothingLeft() {
        for (RecordedSnapshot each : world.recorded().origin(ORIGIN).snapshots()) {
            assertTrue(!each.isHalf(), () -> where + ": " + each);
        }
        for (VolumeInfo volume : life.pool.volumes()) {
            boolean isStore = volume.name().startsWith("cow.");
            assertTrue(
                    !isStore || snapshots.containsKey(volume.name().substring("cow.disk@".length())),
                    () -> where + ": volume " + volume.name() + " is nobody's");
        }
    }
}
