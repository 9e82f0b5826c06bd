package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.ReadLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** How a READ divides into data and holes (NBD T18), and that CACHE fetches the map for it (T33). */
class ReadLayoutTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final ReadLayout layout = new ReadLayout();

    private List<String> runs() {
        List<String> runs = new ArrayList<>();
        for (int i = 0; i < layout.runs(); i++) {
            runs.add((layout.isHole(i) ? "hole " : "data ") + layout.beginBytes(i) + "-" + layout.endBytes(i));
        }
        return runs;
    }

    @Test
    void neighboursOfOneKindAreOneRun() {
        layout.begin(100);
        layout.add(8192, false);
        layout.add(16384, false);
        layout.add(20000, true);
        layout.add(40960, true);
        layout.add(40961, false);
        layout.finish();
        assertEquals(List.of("data 100-16384", "hole 16384-40960", "data 40960-40961"), runs());
    }

    @Test
    void shortHolesBecomePartOfTheDataAround() {
        layout.begin(0);
        layout.add(4095, true);
        layout.add(10000, false);
        layout.add(14095, true);
        layout.add(20000, false);
        layout.add(20001, true);
        layout.finish();
        assertEquals(List.of("data 0-20001"), runs());
        assertFalse(layout.isOneHole());
    }

    @Test
    void thereAreNeverMoreThanSixtyFourRunsAndTheRestIsData() {
        for (boolean first : new boolean[] {false, true}) {
            layout.begin(0);
            for (int i = 1; i <= 200; i++) {
                layout.add(i * 8192L, i % 2 == 0 ^ first);
            }
            layout.finish();
            int last = layout.runs() - 1;
            assertTrue(layout.runs() <= ReadLayout.MAX_RUNS, "runs " + layout.runs());
            assertFalse(layout.isHole(last));
            assertEquals(200 * 8192L, layout.endBytes(last));
            assertEquals(first, layout.isHole(0));
        }
    }

    @Test
    void whateverIsAddedEveryByteIsInOneRunAndNoDataIsCalledAHole() {
        SplittableRandom random = Seeds.splittable(5);
        for (int round = 0; round < 2000; round++) {
            long begin = random.nextInt(10_000);
            layout.begin(begin);
            List<long[]> added = new ArrayList<>();
            long end = begin;
            for (int i = random.nextInt(150); i >= 0; i--) {
                long from = end;
                end += 1 + random.nextInt(10_000);
                boolean hole = random.nextBoolean();
                added.add(new long[] {from, end, hole ? 1 : 0});
                layout.add(end, hole);
            }
            layout.finish();
            assertEquals(begin, layout.beginBytes(0));
            assertEquals(end, layout.endBytes(layout.runs() - 1));
            for (int i = 0; i < layout.runs(); i++) {
                assertTrue(layout.beginBytes(i) < layout.endBytes(i));
                for (long[] piece : added) {
                    boolean overlaps = piece[0] < layout.endBytes(i) && piece[1] > layout.beginBytes(i);
                    assertFalse(layout.isHole(i) && overlaps && piece[2] == 0, "data called a hole");
                }
            }
        }
    }

    @Test
    void aVolumeTellsItsHolesAndPrefetchLoadsTheMapForThat() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        ThinVolume volume = sim.create("v", 1L << 30);
        sim.write(volume, 2L * BLOCK, new byte[BLOCK]);
        sim.write(volume, (1L << 30) - BLOCK, new byte[BLOCK]);
        volume.close();
        sim.shutDown();

        sim = SimPool.open(metadata, data, 1, 1);
        volume = sim.pool.openVolume("v");
        List<Integer> answers = new ArrayList<>();
        ask(sim, volume);
        assertEquals(List.of("data 0-" + 4 * BLOCK), runs(), "nothing is known yet, so all may be data");
        ThinVolume opened = volume;
        SimPool running = sim;
        sim.loops.enter(0, () -> opened.prefetch(running.loops.loop(0), 0, 1L << 30, answers::add));
        sim.loops.runUntilIdle();
        assertEquals(List.of(Errno.OK), answers);
        ask(sim, volume);
        assertEquals(
                List.of(
                        "hole 0-" + 2 * BLOCK,
                        "data " + 2 * BLOCK + "-" + 3 * BLOCK,
                        "hole " + 3 * BLOCK + "-" + 4 * BLOCK),
                runs());
        long deferred = sim.pool.counters().deferredRequests.sum();
        sim.read(volume, 2L * BLOCK, BLOCK);
        sim.finish(sim.start(0, volume, BlockOperation.READ, (1L << 30) - BLOCK, BLOCK, 0, null));
        assertEquals(deferred, sim.pool.counters().deferredRequests.sum(), "reads asked the worker after CACHE");
        volume.close();
        sim.shutDown();
    }

    private void ask(SimPool sim, ThinVolume volume) {
        sim.loops.enter(0, () -> volume.layout(sim.loops.loop(0), 0, 4L * BLOCK, layout));
    }
}
