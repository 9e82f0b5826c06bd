package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.TestIo.Io;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FaultPlanTest {
    private final IoBufferPool buffers = new IoBufferPool(1 << 20);
    private final LoopDriver driver = LoopDriver.of(new InlineLoop(null, buffers));
    private final List<Event> events = new ArrayList<>();
    private final FaultPlan plan = new FaultPlan();
    private final TestIo io =
            new TestIo(new FaultyDevice(new Recorder("disk", new SimulatedDisk(1 << 20), events), plan), driver);

    @AfterEach
    void free() {
        buffers.close();
    }

    private int write(long offset) throws InterruptedException {
        return io.run(Io.write(offset, new byte[512], 0));
    }

    @Test
    void theNthOperationFailsOnceAndDoesNotReachTheDevice() throws InterruptedException {
        plan.fail(BlockOperation.WRITE, 2, Errno.ENOSPC);
        assertEquals(Errno.OK, write(0));
        io.read(0, 512);
        assertEquals(Errno.ENOSPC, write(512));
        assertEquals(Errno.OK, write(1024));
        assertEquals(
                List.of(
                        new Event("disk", BlockOperation.WRITE, 0, 512, 0, 0),
                        new Event("disk", BlockOperation.READ, 0, 512, 0, 1),
                        new Event("disk", BlockOperation.WRITE, 1024, 512, 0, 2)),
                events);
        assertEquals(1, plan.failures());
        assertEquals(4, plan.operations());
    }

    @Test
    void aPeriodOfFaultsEnds() throws InterruptedException {
        plan.failDuring(null, 2, 3, Errno.EIO);
        assertEquals(Errno.OK, write(0));
        assertEquals(Errno.EIO, write(0));
        assertEquals(Errno.EIO, io.command(BlockOperation.FLUSH, 0, 0, 0));
        assertEquals(Errno.OK, write(0));
    }

    @Test
    void aBadRangeFailsUntilHealed() throws InterruptedException {
        plan.failRange(BlockOperation.READ, 4096, 4096, Errno.EIO);
        assertEquals(Errno.OK, io.run(Io.read(0, 4096)));
        assertEquals(Errno.EIO, io.run(Io.read(3584, 1024)));
        assertEquals(Errno.EIO, io.run(Io.read(7680, 512)));
        assertEquals(Errno.OK, io.run(Io.read(8192, 512)));
        assertEquals(Errno.OK, write(4096));
        plan.heal();
        assertEquals(Errno.OK, io.run(Io.read(4096, 512)));
    }

    @Test
    void aPlanPrintsItself() throws InterruptedException {
        assertEquals("no faults", plan.toString());
        plan.fail(BlockOperation.FLUSH, 3, Errno.EIO).failRange(null, 512, 512, Errno.ENOSPC);
        io.flush();
        assertEquals("FLUSH #3 -> EIO (seen 1); ANY from #1 in [512, 1024) -> ENOSPC (seen 0)", plan.toString());
    }
}
