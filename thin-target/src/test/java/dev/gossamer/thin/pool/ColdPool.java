package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.LateReads;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.extent.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * A pool just opened, with a volume "v" of 40 regions of which every block is mapped: 80 leaves or more. Reads of
 * metadata that the worker does not wait for are counted, and answered when the test says so.
 */
final class ColdPool {
    static final int BLOCK = SimPool.BLOCK;
    static final int REGIONS = 40;
    static final int BLOCKS = REGIONS * Region.BLOCKS;
    static final long VOLUME = (long) BLOCKS * BLOCK;
    static final int SECTOR = 512;

    private static SimulatedDisk metadataBase;
    private static SectorDisk dataBase;

    final PowerSupply power = new PowerSupply();
    final SimulatedDisk metadata;
    final SectorDisk data;
    final FaultPlan faults = new FaultPlan();
    LateReads late;
    SimPool sim;

    /** Copies the pool; {@link #open} comes next. */
    ColdPool() throws StorageException {
        makeBase();
        metadata = metadataBase.copy(power);
        data = dataBase.copy(power);
    }

    ColdPool open(long seed, int ioLoops, PoolCaches caches) throws StorageException {
        late = new LateReads(
                new FaultyDevice(metadata, faults), request -> request.loop().index() >= 0);
        sim = SimPool.open(late, data, seed, ioLoops, SimPool.OPTIONS.withCaches(caches));
        return this;
    }

    /** What block n of the volume begins with. */
    static byte[] contents(int block) {
        return ThinPoolTest.bytes(block, SECTOR);
    }

    static long offset(int region, int block) {
        return ((long) region * Region.BLOCKS + block) * BLOCK;
    }

    static byte[] contentsAt(long offset) {
        return contents((int) (offset / BLOCK));
    }

    SimHarness.Result startRead(ThinVolume volume, long offset) {
        SimHarness.Result result = sim.start(0, volume, BlockOperation.READ, offset, SECTOR, 0, null);
        sim.loops.runUntilIdle();
        return result;
    }

    List<Integer> prefetch(ThinVolume volume, long offset, long length) {
        List<Integer> answers = new ArrayList<>();
        IntConsumer answered = answers::add;
        sim.loops.enter(0, () -> volume.prefetch(sim.loops.loop(0), offset, length, answered));
        sim.loops.runUntilIdle();
        return answers;
    }

    /** Answers one read that is held back, and runs until idle. */
    void answer(int index) {
        sim.loops.enter(sim.loops.count() - 1, late.take(index));
        sim.loops.runUntilIdle();
    }

    /** Answers those that are held back now; what they cause is held again. */
    void answerHeld() {
        for (int left = late.held(); left > 0; left--) {
            answer(0);
        }
    }

    void answerAll() {
        while (late.held() > 0) {
            answer(0);
        }
    }

    private static synchronized void makeBase() throws StorageException {
        if (metadataBase != null) {
            return;
        }
        metadataBase = new SimulatedDisk(4 << 20);
        dataBase = new SectorDisk(BLOCKS + 1000);
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 1)) {
            ThinVolume volume = sim.create("v", VOLUME);
            for (int from = 0; from < BLOCKS; from += Region.BLOCKS) {
                List<SimHarness.Result> writes = new ArrayList<>();
                for (int block = from; block < from + Region.BLOCKS; block++) {
                    writes.add(sim.start(
                            0, volume, BlockOperation.WRITE, (long) block * BLOCK, SECTOR, 0, contents(block)));
                }
                sim.loops.runUntilIdle();
                writes.forEach(write -> assertEquals(Errno.OK, write.errno));
            }
            volume.close();
            sim.shutDown();
        }
    }
}
