package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusKind;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.VolumeInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Status queries among random writes, trims, zeroes, snapshots, deletions and reopenings, against a model of mappings:
 * for each block a data block of the model's own, and when it was mapped. A query that runs beside other requests may
 * see each block before or after them, but all its answers must show one moment. {@code -Dstorm.steps=N}
 * tells longer stories.
 */
class StatusStormTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 40;
    private static final int SIZE = BLOCKS * BLOCK;
    private static final int MAX_VOLUMES = 5;
    private static final int HOLE = 0;

    private static final class Modelled {
        final String name;
        ThinVolume volume;
        int snapshottedTime;
        int[] data = new int[BLOCKS];
        int[] time = new int[BLOCKS];
        /** {@link #data} and {@link #time} as they were before the requests under way. */
        int[] dataBefore;

        int[] timeBefore;

        Modelled(String name, ThinVolume volume, int time) {
            this.name = name;
            this.volume = volume;
            this.snapshottedTime = time;
        }

        boolean[] touched = new boolean[BLOCKS];

        void remember() {
            touched = new boolean[BLOCKS];
            dataBefore = data.clone();
            timeBefore = time.clone();
        }
    }

    private record Asked(AskedStatus answer, Modelled volume, Modelled base, long offset, long length, boolean one) {}

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk disk = new SimulatedDisk(600L * BLOCK);
    private final List<Modelled> volumes = new ArrayList<>();
    private SplittableRandom random;
    private SimPool sim;
    private int names;
    private int time;
    private int lastData;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void storm(long seed) throws StorageException {
        random = Seeds.splittable(seed);
        SimPool.format(metadata, disk);
        sim = SimPool.open(metadata, disk, seed, 3);
        volumes.add(new Modelled("v", sim.create("v", SIZE), time));
        int steps = Integer.getInteger("storm.steps", 400);
        for (int step = 0; step < steps; step++) {
            String where = "seed " + seed + " step " + step;
            try {
                step();
            } catch (StorageException | RuntimeException | AssertionError e) {
                throw new AssertionError(where + ": " + e.getMessage(), e);
            }
        }
        sim.shutDown();
        SimPool.assertSound(metadata, "seed " + seed);
    }

    private void step() throws StorageException {
        switch (random.nextInt(20)) {
            case 0, 1 -> snapshot();
            case 2 -> delete();
            case 3 -> reopen();
            default -> batch();
        }
    }

    private void snapshot() throws StorageException {
        if (volumes.size() < MAX_VOLUMES) {
            Modelled origin = any();
            String name = "s" + names++;
            ThinVolume volume = sim.snapshot(origin.name, name);
            time++;
            Modelled snapshot = new Modelled(name, volume, time);
            origin.snapshottedTime = time;
            snapshot.data = origin.data.clone();
            snapshot.time = origin.time.clone();
            volumes.add(snapshot);
        }
    }

    private void delete() throws StorageException {
        if (volumes.size() > 1) {
            Modelled victim = any();
            victim.volume.close();
            sim.await(sim.pool.deleteVolume(victim.name));
            volumes.remove(victim);
        }
    }

    private void reopen() throws StorageException {
        sim.shutDown();
        sim = SimPool.open(metadata, disk, random.nextLong(), 3);
        for (Modelled m : volumes) {
            m.volume = sim.pool.openVolume(m.name);
        }
    }

    /** Requests, no two of them at one block of a volume, and queries among them on all loops. */
    private void batch() {
        volumes.forEach(Modelled::remember);
        boolean quiet = random.nextInt(3) == 0;
        List<SimHarness.Result> requests = new ArrayList<>();
        List<Asked> questions = new ArrayList<>();
        List<StatusContext> selected = new ArrayList<>();
        for (int i = quiet ? 0 : random.nextInt(6); i > 0; i--) {
            Modelled m = any();
            int first = random.nextInt(BLOCKS);
            int blocks = 1 + random.nextInt(Math.min(6, BLOCKS - first));
            if (isUntouched(m, first, blocks)) {
                requests.add(change(m, first, blocks));
            }
            for (int tasks = random.nextInt(6); tasks > 0; tasks--) {
                sim.loops.runOne();
            }
            if (random.nextBoolean()) {
                questions.add(ask(selected));
            }
        }
        questions.add(ask(selected));
        sim.loops.runUntilIdle();
        for (SimHarness.Result result : requests) {
            assertEquals(Errno.OK, result.errno);
        }
        for (Asked asked : questions) {
            check(asked);
        }
        selected.forEach(StatusContext::close);
        for (VolumeInfo info : sim.pool.volumes()) {
            assertEquals(1, info.openCount(), info.name() + " is still pinned");
        }
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
    }

    private static boolean isUntouched(Modelled m, int first, int blocks) {
        for (int block = first; block < first + blocks; block++) {
            if (m.touched[block]) {
                return false;
            }
        }
        return true;
    }

    private SimHarness.Result change(Modelled m, int first, int blocks) {
        long offset = (long) first * BLOCK;
        long length = (long) blocks * BLOCK;
        BlockOperation operation = BlockOperation.WRITE;
        int flags = random.nextInt(6) == 0 ? BlockRequest.FUA : 0;
        byte[] bytes = null;
        Arrays.fill(m.touched, first, first + blocks, true);
        switch (random.nextInt(5)) {
            case 0 -> {
                operation = BlockOperation.DISCARD;
                Arrays.fill(m.data, first, first + blocks, HOLE);
            }
            case 1 -> {
                operation = BlockOperation.WRITE_ZEROES;
                Arrays.fill(m.data, first, first + blocks, HOLE);
            }
            case 2 -> {
                operation = BlockOperation.WRITE_ZEROES;
                flags |= BlockRequest.NO_UNMAP;
                write(m, first, blocks);
            }
            case 3 -> {
                // Less than the first and the last block.
                offset += 100;
                length -= 200;
                bytes = new byte[(int) length];
                write(m, first, blocks);
            }
            default -> {
                bytes = new byte[(int) length];
                write(m, first, blocks);
            }
        }
        return sim.start(random.nextInt(3), m.volume, operation, offset, length, flags, bytes);
    }

    private void write(Modelled m, int first, int blocks) {
        for (int block = first; block < first + blocks; block++) {
            if (m.data[block] == HOLE || m.time[block] < m.snapshottedTime) {
                m.data[block] = ++lastData;
                m.time[block] = time;
            }
        }
    }

    private Asked ask(List<StatusContext> selected) {
        Modelled m = any();
        Modelled base = any();
        long offset = random.nextInt(SIZE);
        long length = 1 + random.nextLong(SIZE - offset);
        if (random.nextInt(3) == 0) {
            offset = 0;
            length = SIZE;
        }
        boolean one = random.nextInt(4) == 0;
        StatusContexts contexts = sim.pool.statusContexts();
        List<StatusContext> mine = new ArrayList<>();
        mine.add(contexts.resolve(m.name, "base:allocation"));
        mine.add(contexts.resolve(m.name, "qemu:allocation-depth"));
        mine.add(contexts.resolve(m.name, "x-thin:shared"));
        StatusContext changed = contexts.resolve(m.name, "qemu:dirty-bitmap:" + base.name);
        if (changed != null) {
            mine.add(changed);
        }
        selected.addAll(mine);
        AskedStatus answer = new AskedStatus(sim.loops);
        answer.start(random.nextInt(3), m.volume, offset, length, one, mine.toArray(StatusContext[]::new));
        return new Asked(answer, m, changed == null ? null : base, offset, length, one);
    }

    private void check(Asked asked) {
        AskedStatus answer = asked.answer.finish();
        StatusQuery query = answer.query;
        assertEquals(Errno.OK, query.errno());
        for (int i = 0; i < query.contexts(); i++) {
            checkShape(asked, i);
        }
        int firstBlock = (int) (asked.offset / BLOCK);
        int endBlock = (int) ((asked.offset + asked.length + BLOCK - 1) / BLOCK);
        for (int block = firstBlock; block < endBlock; block++) {
            long at = Math.max(0, (long) block * BLOCK - asked.offset);
            int allocation = answer.flagsAt(0, at);
            int depth = answer.flagsAt(1, at);
            int shared = answer.flagsAt(2, at);
            int changed = asked.base == null ? -1 : answer.flagsAt(3, at);
            String what = asked.volume.name + " block " + block + ": allocation " + allocation + " depth " + depth
                    + " shared " + shared + " changed " + changed;
            assertTrue(isPossible(asked, block, allocation, depth, shared, changed), what);
        }
    }

    private static void checkShape(Asked asked, int index) {
        StatusQuery query = asked.answer.query;
        long sum = 0;
        for (int i = 0; i < query.count(index); i++) {
            assertTrue(query.lengthBytes(index, i) > 0);
            assertTrue(i == 0 || query.flags(index, i) != query.flags(index, i - 1), "equal neighbours");
            sum += query.lengthBytes(index, i);
        }
        if (asked.one) {
            assertEquals(1, query.count(index));
            assertTrue(sum <= asked.length);
        } else {
            assertEquals(asked.length, sum);
        }
    }

    /** Whether some moment of the batch explains all flags of one block; -1 is no answer, which explains itself. */
    private boolean isPossible(Asked asked, int block, int allocation, int depth, int shared, int changed) {
        int moments = 1 << volumes.size();
        for (int moment = 0; moment < moments; moment++) {
            int self = dataAt(asked.volume, block, moment);
            int others = 0;
            for (Modelled m : volumes) {
                others += m != asked.volume && dataAt(m, block, moment) == self ? 1 : 0;
            }
            int mapped = self == HOLE ? 0 : 1;
            int timeNow = isAfter(asked.volume, moment) ? asked.volume.time[block] : asked.volume.timeBefore[block];
            int isShared = mapped == 1 && others > 0 && timeNow < asked.volume.snapshottedTime ? 1 : 0;
            int isChanged = asked.base != null && dataAt(asked.base, block, moment) != self ? 1 : 0;
            if (fits(allocation, mapped == 1 ? 0 : StatusKind.HOLE | StatusKind.ZERO)
                    && fits(depth, mapped + isShared)
                    && fits(shared, isShared)
                    && fits(changed, isChanged)) {
                return true;
            }
        }
        return false;
    }

    private static boolean fits(int found, int expected) {
        return found < 0 || found == expected;
    }

    private int dataAt(Modelled m, int block, int moment) {
        return isAfter(m, moment) ? m.data[block] : m.dataBefore[block];
    }

    private boolean isAfter(Modelled m, int moment) {
        return (moment >> volumes.indexOf(m) & 1) == 1;
    }

    private Modelled any() {
        return volumes.get(random.nextInt(volumes.size()));
    }
}
