package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Zeros that must be allocated: every block that is not mapped costs a request and a cell, of which there are few. */
class LongZeroingTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int COMMANDS = 4;
    private static final int BLOCKS_EACH = 512;

    /** What the long commands of a loop take at a time: 64 blocks each. */
    private static final int BOUND = COMMANDS * 64;

    private RequestPool requests;
    private int most;

    @Test
    void longRangesAreAllocatedAFewBlocksAtATime() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(16 << 20);
        SimulatedDisk data = new SimulatedDisk(2L * COMMANDS * BLOCKS_EACH * BLOCK);
        SimPool.format(metadata, data);
        ForwardingDevice counting = new ForwardingDevice(data) {
            @Override
            public void submit(BlockRequest request) {
                most = requests == null ? 0 : Math.max(most, requests.inUse());
                super.submit(request);
            }
        };
        try (SimPool sim = SimPool.open(metadata, counting, 1, 1)) {
            ThinVolume volume = sim.create("v", (long) COMMANDS * BLOCKS_EACH * BLOCK);
            sim.loops.enter(0, () -> requests = sim.loops.loop(0).requests());
            List<SimHarness.Result> results = new ArrayList<>();
            for (int i = 0; i < COMMANDS; i++) {
                results.add(sim.start(
                        0,
                        volume,
                        BlockOperation.WRITE_ZEROES,
                        (long) i * BLOCKS_EACH * BLOCK,
                        (long) BLOCKS_EACH * BLOCK,
                        BlockRequest.NO_UNMAP,
                        null));
            }
            sim.loops.runUntilIdle();
            results.forEach(result -> assertEquals(Errno.OK, result.errno));
            assertEquals((long) COMMANDS * BLOCKS_EACH * BLOCK, volume.info().mappedBytes());
            assertTrue(most <= 2 * BOUND, most + " requests at a time");
        }
    }
}
