package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Asked;
import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.ThinPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One origin, its snapshots in the pool and on disks, through a storm: writes to all of them, a pool that is really
 * full and has room again, stores that vanish while they are in use or before a start and come back, devices that were
 * swapped, a record that cannot be written, or was and says that it was not; kills and power cuts after any operation
 * of all that and of the starts. Other stories: {@code -Dcow.seeds=N}, longer ones: {@code -Dstorm.steps=N}.
 */
@Timeout(600)
class CowStormTest {
    private static final int STEPS = Integer.getInteger("storm.steps", 60);
    private static final int FIRST = Integer.getInteger("cow.first", 1);
    private static final boolean TELL = Boolean.getBoolean("cow.tell");
    private static final String FILLER = "filler";
    private static final int FILLER_BYTES = 64 * CowWorld.POOL_BLOCK;
    private static final String[] STORES = {"sdb", "sdc", "sdd"};
    private static final String[] NAMES = {"a", "b", "c", "d"};
    private static final int[] CHUNKS = {512, 4096, 16384};

    private CowStory story;
    private boolean isFull;
    // What cannot be had now makes what fails legal.
    private final List<String> away = new ArrayList<>();
    // Something was left there that nobody took away, because it was away, or is no store: a new snapshot is refused.
    private final Set<String> used = new HashSet<>();
    private boolean isDying;
    private final Map<String, Integer> seen = new TreeMap<>();

    static long[] seeds() {
        long[] seeds = new long[Integer.getInteger("cow.seeds", 12)];
        Arrays.setAll(seeds, i -> i + FIRST);
        return seeds;
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void storm(long seed) throws StorageException {
        story = new CowStory(Seeds.splittable(1000 + seed));
        for (String store : STORES) {
            story.world.add(store, store.equals("sdd") ? 48 << 10 : 2 * CowWorld.SIZE);
        }
        ThinPool.join(story.life.pool.createVolume(new VolumeSpec(FILLER, FILLER_BYTES)));
        for (int step = 0; step < STEPS; step++) {
            story.where = "seed " + seed + ", step " + step;
            step();
        }
        calm();
        restart();
        story.verify(false);
        story.assertNothingLeft();
        System.out.println("seed " + seed + ": " + seen);
    }

    private void step() throws StorageException {
        switch (story.random.nextInt(16)) {
            case 0, 1, 2 -> write();
            case 3, 4 -> create();
            case 5 -> delete();
            case 6 -> merge();
            case 7 -> fill();
            case 8 -> drain();
            case 9 -> vanish();
            case 10 -> calm();
            case 11 -> failRecords();
            case 12 -> swapped();
            case 13 -> restart();
            default -> die();
        }
    }

    private void count(String what) {
        if (TELL) {
            System.out.println(story.where + ": " + what + ", away " + away + ", full " + isFull);
        }
        seen.merge(what, 1, Integer::sum);
    }

    private boolean chance(int of) {
        return story.random.nextInt(of) == 0;
    }

    private Modelled any() {
        List<Modelled> all = story.snapshots.values().stream()
                .filter(each -> each.asked == Asked.NOTHING)
                .toList();
        return all.isEmpty() ? null : all.get(story.random.nextInt(all.size()));
    }

    private void write() throws StorageException {
        count("write");
        story.startWrites(1 + story.random.nextInt(12));
        story.endWrites(story.random.nextBoolean());
        check();
    }

    /** With writes under way. */
    private void create() throws StorageException {
        String name = NAMES[story.random.nextInt(NAMES.length)];
        if (story.snapshots.containsKey(name)) {
            return;
        }
        boolean inPool = story.random.nextBoolean();
        String store = inPool ? null : STORES[story.random.nextInt(STORES.length)];
        boolean isTaken = story.snapshots.values().stream().anyMatch(each -> store != null && store.equals(each.store));
        StoreType type = chance(6) ? StoreType.TRANSIENT : StoreType.PERSISTENT;
        StoreFullAction action =
                story.random.nextBoolean() ? StoreFullAction.FAIL_WRITES : StoreFullAction.INVALIDATE_SNAPSHOT;
        if (story.merging == null) {
            story.startWrites(3);
        }
        Modelled made = new Modelled(name, store, type, story.origin.snapshot());
        boolean smallStore = "sdd".equals(store) || (inPool && isFull);
        made.mayBeLost = away.contains(store) || (smallStore && action == StoreFullAction.INVALIDATE_SNAPSHOT);
        made.losesWhenFull = inPool && action == StoreFullAction.INVALIDATE_SNAPSHOT;
        boolean done = story.create(made, CHUNKS[story.random.nextInt(CHUNKS.length)], action);
        count(done ? "create" : "create refused");
        story.endWrites(false);
        boolean mayFail = isTaken || isFull || !away.isEmpty() || story.merging != null || used.contains(store);
        assertTrue(done || mayFail || !story.world.power.isOn(), () -> story.where + ": " + story.refusal);
        if (store != null && type == StoreType.TRANSIENT) {
            used.add(store);
        }
        check();
    }

    private void delete() throws StorageException {
        Modelled snapshot = any();
        if (snapshot != null) {
            count(story.delete(snapshot) ? "delete" : "delete refused");
            check();
        }
    }

    private void merge() throws StorageException {
        Modelled snapshot = any();
        if (snapshot == null || snapshot.type == StoreType.TRANSIENT) {
            return;
        }
        boolean done = story.merge(snapshot);
        count(done ? "merge" : "merge refused");
        boolean mayFail = snapshot.isLost || snapshot.mayBeLost || !away.isEmpty() || story.merging != null;
        assertTrue(done || mayFail || !story.world.power.isOn(), () -> story.where + ": " + story.refusal);
        check();
    }

    /** Takes all of the pool's space. */
    private void fill() throws StorageException {
        count("pool full");
        isFull = true;
        story.snapshots.values().forEach(each -> each.mayBeLost |= each.losesWhenFull);
        BlockDevice filler = story.life.pool.openVolume(FILLER);
        for (int at = 0; at < FILLER_BYTES; at += CowWorld.POOL_BLOCK) {
            var result = story.life.start(0, filler, BlockOperation.WRITE, at, 4096, 0, new byte[4096]);
            story.life.pass();
            if (result.errno != Errno.OK) {
                break;
            }
        }
        close(filler);
    }

    private void drain() throws StorageException {
        BlockDevice filler = story.life.pool.openVolume(FILLER);
        int errno = story.run(filler, BlockOperation.DISCARD, 0, FILLER_BYTES).errno;
        close(filler);
        isFull &= errno != Errno.OK;
        check();
    }

    private void close(BlockDevice device) {
        story.life.loops.enter(0, device::close);
        story.life.pass();
    }

    /** While it is in use, or not. */
    private void vanish() {
        String store = STORES[story.random.nextInt(STORES.length)];
        if (away.contains(store)) {
            return;
        }
        count("vanish");
        away.add(store);
        used.add(store);
        story.world.vanish(store);
        story.snapshots.values().forEach(each -> each.mayBeLost |= store.equals(each.store));
    }

    private void failRecords() {
        count("record fails");
        away.add("record");
        story.world.failRecords(true, chance(2));
    }

    /** All that was away is back. */
    private void calm() throws StorageException {
        away.forEach(each -> {
            if (!each.equals("record")) {
                story.world.back(each);
            }
        });
        away.clear();
        story.world.failRecords(false, false);
        story.life.pass();
        if (isFull) {
            drain();
        }
    }

    /** While something is away, it is enough that nothing hangs; later it shows what it has become. */
    private void check() throws StorageException {
        if (away.isEmpty() && !isDying) {
            story.verify(false);
        }
    }

    /** In good order. What is away by then keeps the origin from being served, and nothing is lost by that. */
    private void restart() throws StorageException {
        count("restart");
        story.stopWhatever();
        begin();
    }

    private void begin() throws StorageException {
        story.world.failRecords(false, false);
        away.remove("record");
        while (!story.start()) {
            story.end(End.KILL);
        }
        story.life.endMerges();
        if (!away.isEmpty()) {
            story.life.service.facts(CowStory.ORIGIN);
            story.stopWhatever();
            calmDisks();
            assertTrue(story.start(), story.where);
        }
        story.verify(false);
    }

    private void calmDisks() {
        away.stream().filter(each -> !each.equals("record")).forEach(story.world::back);
        away.clear();
    }

    /** Two disks under each other's names: nothing is written to either of them, and nothing is served. */
    private void swapped() throws StorageException {
        if (!away.isEmpty()) {
            return;
        }
        List<Modelled> external = story.snapshots.values().stream()
                .filter(each -> each.store != null && !each.isLost && each.asked == Asked.NOTHING)
                .filter(each -> each.type != StoreType.TRANSIENT)
                .toList();
        if (external.isEmpty()) {
            return;
        }
        count("swapped");
        story.stopWhatever();
        String one = external.getFirst().store;
        String other = chance(2) ? "sda" : one.equals("sdc") ? "sdb" : "sdc";
        story.world.swap(one, other);
        long before = writes(one) + writes(other);
        assertTrue(story.start(), story.where);
        story.verify(true);
        assertEquals(before, writes(one) + writes(other), story.where + ": a swapped disk was written to");
        story.stopWhatever();
        story.world.swap(one, other);
        begin();
    }

    private long writes(String name) {
        return story.world.disks.get(name).writes();
    }

    /** After some more operations, in whatever is done then; and perhaps while it starts again. */
    private void die() throws StorageException {
        End end = story.random.nextBoolean() ? End.KILL : End.POWER_CUT;
        count(end.toString());
        isDying = true;
        story.world.power.cutAfter(story.random.nextInt(40));
        for (int i = 0; i < 3 && story.world.power.isOn(); i++) {
            switch (story.random.nextInt(4)) {
                case 0 -> create();
                case 1 -> delete();
                case 2 -> merge();
                default -> write();
            }
        }
        isDying = false;
        story.end(end);
        while (chance(2)) {
            story.world.power.cutAfter(story.random.nextInt(40));
            if (story.start()) {
                story.life.endMerges();
            }
            story.end(end);
        }
        begin();
        assertFalse(story.life.isClosed());
    }
}
