package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A new block's zeros (rules Z-1, Z-4) are written only where they are not there already. */
class ZeroingTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(16L * BLOCK);
    private SimPool sim;

    private ThinVolume fresh() throws StorageException {
        SimPool.format(metadata, data);
        open();
        ThinVolume volume = sim.create("v", VOLUME);
        // The first write also loads the map; tests look at the second.
        sim.write(volume, 100L * BLOCK, new byte[512]);
        events.clear();
        return volume;
    }

    private void open() throws StorageException {
        sim = SimPool.open(metadata, new Recorder("data", data, events), 1, 2);
    }

    @AfterEach
    void close() {
        sim.close();
    }

    @Test
    void z1APartialWriteIntoNeverWrittenSpaceIsOneWriteOfTheData() throws StorageException {
        ThinVolume volume = fresh();
        assertEquals(Errno.OK, sim.write(volume, 4096, ThinPoolTest.bytes(1, 8192)));
        assertEquals(List.of(8192L), writes());
        byte[] expected = new byte[BLOCK];
        System.arraycopy(ThinPoolTest.bytes(1, 8192), 0, expected, 4096, 8192);
        assertArrayEquals(expected, sim.read(volume, 0, BLOCK));
        assertEquals(2, sim.pool.counters().zeroedForFree.sum());
    }

    @Test
    void aWriteOfOddBytesWritesTheirSectorsOnly() throws StorageException {
        ThinVolume volume = fresh();
        assertEquals(Errno.OK, sim.write(volume, 1000, ThinPoolTest.bytes(1, 100)));
        assertEquals(List.of(1024L), writes(), "two sectors");
        byte[] expected = new byte[BLOCK];
        System.arraycopy(ThinPoolTest.bytes(1, 100), 0, expected, 1000, 100);
        assertArrayEquals(expected, sim.read(volume, 0, BLOCK));
    }

    @Test
    void writesThatComeTogetherAreWrittenEachAtItsPlace() throws StorageException {
        ThinVolume volume = fresh();
        byte[] expected = new byte[BLOCK];
        int[][] ranges = {{60_000, 5536}, {0, 512}, {512, 700}, {1212, 10}, {30_000, 4096}};
        List<SimHarness.Result> results = new ArrayList<>();
        sim.loops.enter(0, () -> {
            for (int i = 0; i < ranges.length; i++) {
                byte[] bytes = ThinPoolTest.bytes(i, ranges[i][1]);
                System.arraycopy(bytes, 0, expected, ranges[i][0], bytes.length);
                results.add(sim.start(0, volume, BlockOperation.WRITE, ranges[i][0], bytes.length, 0, bytes));
            }
        });
        sim.loops.runUntilIdle();
        results.forEach(result -> assertEquals(Errno.OK, result.errno));
        assertEquals(3, writes().size(), "three places, one write each: " + writes());
        assertArrayEquals(expected, sim.read(volume, 0, BLOCK));
    }

    @Test
    void z4ZerosThatMustBeAllocatedAreWritten() throws StorageException {
        ThinVolume volume = fresh();
        assertEquals(Errno.OK, sim.zero(volume, 4096, 8192, BlockRequest.NO_UNMAP));
        assertEquals(List.of(8192L), writes(), "what is promised to be allocated is allocated below, too");
        events.clear();
        assertEquals(Errno.OK, sim.zero(volume, 2L * BLOCK, BLOCK, 0));
        assertEquals(List.of(), writes(), "Z-4: unmapped space reads as zeros already");
        assertEquals(2L * BLOCK, volume.info().mappedBytes());
    }

    @Test
    void aDiscardedBlockIsZeroAgain() throws StorageException {
        ThinVolume volume = fresh();
        int free = (int) (sim.status().dataBlocks() - sim.status().dataBlocksUsed());
        for (int i = 0; i < free; i++) {
            sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK));
        }
        sim.trim(volume, 0, BLOCK);
        sim.flush(volume);
        events.clear();
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, 512)));
        assertEquals(List.of(512L), writes());
        assertArrayEquals(new byte[BLOCK - 512], sim.read(volume, 512, BLOCK - 512));
    }

    @Test
    void whatAnUncommittedWriteLeftInAHoleNeverShows() throws StorageException {
        ThinVolume volume = fresh();
        sim.flush(volume);
        byte[] junk = new byte[8192];
        Arrays.fill(junk, (byte) 0xEE);
        assertEquals(Errno.OK, sim.write(volume, 4096, junk));
        sim.close();
        // The data device keeps the write that the metadata loses: the block is free, and no hole.
        metadata.crashLosingAll();
        open();
        volume = sim.pool.openVolume("v");
        for (int i = 0; i < 8; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
            assertArrayEquals(new byte[BLOCK], sim.read(volume, (long) i * BLOCK, BLOCK), "block " + i);
        }
        assertEquals(7, sim.pool.counters().zeroedForFree.sum(), "one block was not known to be zero");
    }

    private List<Long> writes() {
        return events.stream()
                .filter(e -> e.op() == BlockOperation.WRITE)
                .map(Event::length)
                .toList();
    }
}
