package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import io.netty.channel.uring.IoUring;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * When operations reach the kernel: small ones eight at a time, while the loop is still busy; large ones at the end.
 */
class EarlySubmissionTest {
    private static final int SMALL = 4096;
    private static final int LARGE = 64 << 10;
    private static final long PATIENCE_NANOS = 20_000_000_000L;
    private static final long SHORT_NANOS = 200_000_000L;

    @TempDir
    private Path scratch;

    @Test
    void eightSmallWritesArriveWhileTheirLoopIsBusy() throws Exception {
        assertEquals(8, arrivedBeforeTheTurnEnds(9, SMALL, 8, PATIENCE_NANOS));
    }

    @Test
    void largeWritesWaitForTheEndOfTheTurn() throws Exception {
        assertEquals(0, arrivedBeforeTheTurnEnds(9, LARGE, 1, SHORT_NANOS));
    }

    /** Submits so many writes in one task, which then waits until so many are in the file, or for so long. */
    private int arrivedBeforeTheTurnEnds(int writes, int lengthBytes, int wanted, long patienceNanos) throws Exception {
        assumeTrue(IoUring.isAvailable(), "io_uring is not allowed here");
        Path file = Files.write(scratch.resolve("disk"), new byte[writes * lengthBytes]);
        CountDownLatch done = new CountDownLatch(writes);
        List<Integer> results = new ArrayList<>();
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.RING, 2 << 20);
                PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            IoLoop loop = loops.loop(0);
            CompletableFuture<Integer> arrived = new CompletableFuture<>();
            loop.execute(() -> {
                try {
                    for (int i = 0; i < writes; i++) {
                        write(loop, device, i * (long) lengthBytes, lengthBytes, results, done);
                    }
                    arrived.complete(count(file, lengthBytes, wanted, patienceNanos));
                } catch (Exception e) {
                    arrived.completeExceptionally(e);
                }
            });
            int count = arrived.get(1, TimeUnit.MINUTES);
            done.await();
            assertEquals(List.of(Errno.OK), results.stream().distinct().toList());
            return count;
        }
    }

    private static void write(
            IoLoop loop, PosixDevice device, long offset, int lengthBytes, List<Integer> results, CountDownLatch done) {
        IoBuffer buffer = loop.buffers().acquire(lengthBytes);
        buffer.bytes().put(0, (byte) 1);
        BlockRequest request =
                loop.requests().acquire().transfer(BlockOperation.WRITE, offset, lengthBytes, 0, buffer, 0);
        request.push((written, errno) -> {
            results.add(errno);
            written.recycle();
            buffer.release();
            done.countDown();
        });
        device.submit(request);
    }

    private static int count(Path file, int lengthBytes, int wanted, long patienceNanos) throws Exception {
        long end = System.nanoTime() + patienceNanos;
        int found;
        do {
            byte[] contents = Files.readAllBytes(file);
            found = 0;
            for (int at = 0; at < contents.length; at += lengthBytes) {
                found += contents[at];
            }
        } while (found < wanted && System.nanoTime() < end);
        return found;
    }
}
