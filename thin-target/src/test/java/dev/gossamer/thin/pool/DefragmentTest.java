package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.VolumeSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Volumes put back into runs: contents and sharing stay, only the places change. */
class DefragmentTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 100;
    private static final int DATA_BLOCKS = 320;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final List<Event> events = new ArrayList<>();
    private SimPool sim;
    private JobRig jobs;
    private ThinVolume a;
    private ThinVolume b;

    /** Both are written by turns, so that no two neighbours of one are neighbours on the device. */
    @BeforeEach
    void twoVolumesWrittenByTurns() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, new Recorder("data", data, events), 1, 2);
        jobs = new JobRig(sim);
        a = sim.create("a", VOLUME);
        b = sim.create("b", VOLUME);
        for (int i = 0; i < BLOCKS; i++) {
            sim.write(a, (long) i * BLOCK, ThinPoolTest.bytes(i, 4096));
            sim.write(b, (long) (BLOCKS - 1 - i) * BLOCK, ThinPoolTest.bytes(1000 + i, 4096));
        }
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        a.close();
        b.close();
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private byte[] contents(ThinVolume volume) {
        byte[] all = new byte[(int) VOLUME];
        for (int i = 0; i < BLOCKS; i += 20) {
            System.arraycopy(sim.read(volume, (long) i * BLOCK, 20 * BLOCK), 0, all, i * BLOCK, 20 * BLOCK);
        }
        return all;
    }

    private long runs(String volume) throws StorageException {
        return sim.owners(0, (long) DATA_BLOCKS * BLOCK).stream()
                .map(OwnedRun::owner)
                .filter(volume::equals)
                .count();
    }

    private JobInfo defragment(String volume) throws StorageException {
        return jobs.finish(sim.await(sim.pool.jobs().defragment(volume)));
    }

    @Test
    void whatASnapshotSharesIsPutInOrderForBothAndStaysShared() throws StorageException {
        ThinVolume s = sim.snapshot("a", "s");
        sim.write(a, 3L * BLOCK, ThinPoolTest.bytes(7, BLOCK));
        final byte[] before = contents(a);
        final byte[] ofSnapshot = contents(s);
        sim.loops.advance(3_000_000_000L);
        final long used = sim.status().dataBlocksUsed();
        assertTrue(runs("a") >= BLOCKS, runs("a") + " runs");
        JobInfo over = defragment("a");
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertTrue(over.message().matches("a was in 1[0-9]{2} runs, and is in 2"), over.message());
        // One run for each window, and perhaps these are neighbours.
        assertTrue(runs("a") <= 2, runs("a") + " runs");
        assertArrayEquals(before, contents(a));
        assertArrayEquals(ofSnapshot, contents(s));
        sim.loops.advance(3_000_000_000L);
        assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
        assertTrue(defragment("a").message().contains("was in 2 runs, and is in 2"), "there is nothing to gain");
        s.close();
    }

    /** What a sequential reader costs the disk: a request for each piece of what it reads. */
    @Test
    void aSequentialReaderNeedsFewerRequestsAfterwards() throws StorageException {
        double before = requestsOfAMebibyte();
        assertEquals(JobInfo.State.DONE, defragment("a").state());
        double after = requestsOfAMebibyte();
        System.out.printf("disk requests a MiB: %.2f before, %.2f after%n", before, after);
        assertEquals(16, before, 0.1, "each block for itself");
        assertTrue(after <= 1.2, after + " requests a MiB");
    }

    private double requestsOfAMebibyte() {
        sim.read(a, 0, BLOCK); // the map is known from now on
        events.clear();
        int mebibyte = 16 * BLOCK;
        for (int at = 0; at + mebibyte <= VOLUME; at += mebibyte) {
            sim.read(a, at, mebibyte);
        }
        long reads = events.stream()
                .filter(event -> event.op() == BlockOperation.READ)
                .count();
        long whole = VOLUME / mebibyte;
        return (double) reads / whole;
    }

    @Test
    void withoutARunOfFreeBlocksAllStaysAndTheJobEnds() throws StorageException {
        ThinVolume rest = sim.create("rest", 400L * BLOCK);
        int i = 0;
        while (sim.write(rest, (long) i * BLOCK, new byte[512]) == Errno.OK) {
            i++;
        }
        for (int j = 0; j < i; j += 2) {
            sim.trim(rest, (long) j * BLOCK, BLOCK);
        }
        sim.flush(rest);
        sim.loops.advance(3_000_000_000L);
        byte[] before = contents(a);
        JobInfo over = defragment("a");
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertTrue(over.message().contains("was in 100 runs, and is in 100"), over.message());
        assertArrayEquals(before, contents(a));
        rest.close();
    }

    @Test
    void whereOnlyShortRunsAreFreeWindowsGetNarrower() throws StorageException {
        ThinVolume rest = sim.create("rest", 400L * BLOCK);
        int i = 0;
        while (sim.write(rest, (long) i * BLOCK, new byte[512]) == Errno.OK) {
            i++;
        }
        for (int j = 0; j + 40 < i; j += 40) {
            sim.trim(rest, (long) j * BLOCK, 20L * BLOCK);
        }
        sim.flush(rest);
        sim.loops.advance(3_000_000_000L);
        byte[] before = contents(a);
        JobInfo over = defragment("a");
        assertEquals(JobInfo.State.DONE, over.state(), over.message());
        assertTrue(runs("a") <= 70, runs("a") + " runs; " + over.message());
        assertArrayEquals(before, contents(a));
        rest.close();
    }

    @Test
    void badInputIsRefused() throws StorageException {
        try {
            sim.await(sim.pool.jobs().defragment("none"));
            throw new AssertionError("not refused");
        } catch (StorageException e) {
            assertTrue(e.getMessage().contains("there is no volume 'none'"), e.getMessage());
        }
        sim.await(sim.pool.createVolume(new VolumeSpec("empty", VOLUME)));
        assertTrue(defragment("empty").message().contains("was in 0 runs"), "nothing to do");
    }
}
