package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a request to mapped blocks puts on the heap between submission and completion: nothing. The data device
 * answers at once and allocates nothing itself, so all that is counted is the pool's.
 */
class MappedHeapTest {
    private static final int BLOCKS = 1024;
    private static final int REQUESTS = 50_000;

    /** On the average of all requests: nothing, but for what the VM does by itself now and then. */
    private static final double MAX_BYTES = 1;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SplittableRandom random = Seeds.splittable(1);
    private SimPool sim;
    private ThinVolume volume;
    private IoBuffer buffer;
    private int completed;
    private int failed;

    @BeforeEach
    void mapAll() throws Exception {
        BlockDevice data = new PromptDisk(new VoidDisk(2L * BLOCKS * SimPool.BLOCK));
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 1);
        volume = sim.create("v", (long) BLOCKS * SimPool.BLOCK);
        for (int block = 0; block < BLOCKS; block++) {
            assertEquals(Errno.OK, sim.write(volume, (long) block * SimPool.BLOCK, new byte[SimPool.BLOCK]));
        }
        assertEquals(Errno.OK, sim.flush(volume));
        sim.loops.enter(0, () -> buffer = sim.loops.loop(0).buffers().acquire(SimPool.BLOCK));
    }

    @AfterEach
    void close() throws Exception {
        sim.loops.enter(0, buffer::release);
        volume.close();
        sim.close();
    }

    @ParameterizedTest
    @CsvSource({"READ, 4096", "WRITE, 4096", "READ, 65536", "WRITE, 65536"})
    void aMappedRequestAllocatesNothing(BlockOperation operation, int bytes) {
        BlockCompletion completion = this::complete;
        run(operation, bytes, completion);
        double perRequest = run(operation, bytes, completion);
        assertTrue(perRequest <= MAX_BYTES, operation + ": " + perRequest + " bytes of heap per request");
    }

    @Test
    void oneObjectPerRequestWouldBeSeen() {
        byte[][] kept = new byte[1][];
        BlockCompletion completion = (request, errno) -> {
            kept[0] = new byte[1];
            complete(request, errno);
        };
        run(BlockOperation.READ, 4096, completion);
        assertTrue(run(BlockOperation.READ, 4096, completion) > MAX_BYTES);
    }

    /** Heap bytes per request of many, one after the other, each at a random block. */
    private double run(BlockOperation operation, int bytes, BlockCompletion completion) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        completed = 0;
        long[] allocated = new long[1];
        sim.loops.enter(0, () -> {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < REQUESTS; i++) {
                BlockRequest request = sim.loops.loop(0).requests().acquire();
                long offset = (long) random.nextInt(BLOCKS) * SimPool.BLOCK;
                request.transfer(operation, offset, bytes, 0, buffer, 0);
                request.push(completion);
                volume.submit(request);
            }
            allocated[0] = threads.getCurrentThreadAllocatedBytes() - before;
        });
        assertEquals(REQUESTS, completed, "completed on the loop, without the worker");
        assertEquals(0, failed);
        return (double) allocated[0] / REQUESTS;
    }

    private void complete(BlockRequest request, int errno) {
        completed++;
        failed += errno == Errno.OK ? 0 : 1;
        request.recycle();
    }

    /** Takes reads and writes of the volume's data without a turn of the loop. */
    private static final class PromptDisk extends ForwardingDevice {
        PromptDisk(VoidDisk below) {
            super(below);
        }

        @Override
        public void submit(BlockRequest request) {
            boolean transfer =
                    request.operation() == BlockOperation.READ || request.operation() == BlockOperation.WRITE;
            if (transfer && request.offsetBytes() >= (long) VoidDisk.CATALOG_BLOCKS * SimPool.BLOCK) {
                request.complete(Errno.OK);
            } else {
                super.submit(request);
            }
        }
    }
}
