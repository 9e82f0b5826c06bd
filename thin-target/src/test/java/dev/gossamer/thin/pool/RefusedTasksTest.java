package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.RefusingLoop;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A worker's loop that cannot take a task: whoever wanted something gets an errno, and nobody waits for ever. */
class RefusedTasksTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final RefusingLoop[] worker = new RefusingLoop[1];
    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void open() throws Exception {
        SimPool.format(metadata, data);
        sim = SimPool.open(
                metadata, data, 1, 2, SimPool.OPTIONS, SimPool.NO_ORIGINS, loop -> worker[0] = new RefusingLoop(loop));
        volume = sim.create("v", 8L * BLOCK);
    }

    @AfterEach
    void close() throws Exception {
        volume.close();
        sim.shutDown();
        sim.close();
        SimPool.assertSound(metadata, "at the end");
    }

    private int flush(int loop) {
        return sim.finish(sim.start(loop, volume, BlockOperation.FLUSH, 0, 0, 0, null)).errno;
    }

    @Test
    void aFlushThatCannotAskForACommitFailsAndTheNextOneIsGood() throws Exception {
        byte[] contents = ThinPoolTest.bytes(1, BLOCK);
        assertEquals(Errno.OK, sim.write(volume, 0, contents));
        worker[0].refuse(1);
        SimHarness.Result first = sim.start(0, volume, BlockOperation.FLUSH, 0, 0, 0, null);
        SimHarness.Result second = sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null);
        assertEquals(Errno.EIO, sim.finish(first).errno);
        assertEquals(Errno.OK, sim.finish(second).errno);
        assertEquals(Errno.OK, flush(0));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertArrayEquals(contents, sim.read(volume, 0, BLOCK));
    }

    @Test
    void aWriteThatCannotAskForABlockFailsAndTheNextOneIsGood() throws Exception {
        worker[0].refuse(1);
        assertEquals(Errno.EIO, sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK)));
        assertArrayEquals(new byte[BLOCK], sim.read(volume, 0, BLOCK));
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(2, BLOCK)));
        assertEquals(Errno.OK, flush(0));
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(volume, 0, BLOCK));
    }
}
