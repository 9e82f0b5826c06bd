package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StallLook;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.libc.EventFiles;
import dev.gossamer.io.libc.Libc;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.PosixFiles;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A read of an event counter of the kernel that stands at zero waits, as one of a disk that does not answer. What a
 * daemon says of a file system that is frozen: {@code StalledDiskTest}.
 */
@Timeout(60)
class StalledFilesTest {
    private static final int COUNT_BYTES = 8;
    private static final long PERIOD_MILLIS = 20;

    /** Reads, and tells the error when that has ended. */
    private static CompletableFuture<Integer> read(IoLoop loop, int file, IoBuffer buffer) {
        CompletableFuture<Integer> done = new CompletableFuture<>();
        loop.execute(() -> {
            BlockRequest request =
                    loop.requests().acquire().transfer(BlockOperation.READ, 0, COUNT_BYTES, 0, buffer, 0);
            request.push((ended, errno) -> {
                ended.recycle();
                done.complete(errno);
            });
            loop.files().submit(FileAction.READ, file, request);
        });
        return done;
    }

    /** Ends one read. */
    private static void count(int file, IoBufferPool buffers) {
        IoBuffer one = buffers.acquire(COUNT_BYTES);
        one.bytes().order(ByteOrder.nativeOrder()).putLong(0, 1);
        assertEquals(COUNT_BYTES, EventFiles.CALLS.write(file, one.address(), COUNT_BYTES));
        one.release();
    }

    private static List<StalledFiles.Stalled> await(StalledFiles files, int count) throws InterruptedException {
        while (files.list().size() != count) {
            TimeUnit.MILLISECONDS.sleep(PERIOD_MILLIS);
        }
        return files.list();
    }

    @Test
    void aFileThatDoesNotAnswerIsNamedUntilItDoes() throws Exception {
        int file = EventFiles.CALLS.eventfd(0, 0);
        try (IoLoops loops = IoLoops.start(2, IoEngineChoice.AUTO, 1 << 20)) {
            assumeTrue(loops.engineName().equals("io_uring"), "pread(2) knows no file that waits");
            NettyLoop worker = loops.startWorker("a-worker", 1 << 20);
            StalledFiles files = StalledFiles.watch(loops, new InlineFileEngine(), PERIOD_MILLIS);
            for (NettyLoop loop : List.of(loops.loop(1), worker)) {
                IoBufferPool buffers = new IoBufferPool(1 << 16);
                IoBuffer buffer = buffers.acquire(COUNT_BYTES);
                CompletableFuture<Integer> read = read(loop, file, buffer);
                List<StalledFiles.Stalled> stalled = await(files, 1);
                assertTrue(stalled.getFirst().name().contains("eventfd"), stalled::toString);
                count(file, buffers);
                assertEquals(Errno.OK, read.join());
                await(files, 0);
                buffer.release();
                buffers.close();
            }
        } finally {
            Libc.CALLS.close(file);
        }
    }

    /** It may have been the same disk that has kept it. */
    @Test
    void aLoopThatAnswersLateIsLookedAtAgain() throws Exception {
        int file = EventFiles.CALLS.eventfd(0, 0);
        try (IoLoops loops = IoLoops.start(2, IoEngineChoice.AUTO, 1 << 20);
                IoBufferPool buffers = new IoBufferPool(1 << 16)) {
            assumeTrue(loops.engineName().equals("io_uring"), "pread(2) knows no file that waits");
            StalledFiles files = StalledFiles.watch(loops, new InlineFileEngine(), PERIOD_MILLIS);
            loops.loop(1).execute(() -> LockSupport.parkNanos(10 * PERIOD_MILLIS * 1_000_000));
            IoBuffer buffer = buffers.acquire(COUNT_BYTES);
            CompletableFuture<Integer> read = read(loops.loop(1), file, buffer);
            await(files, 1);
            count(file, buffers);
            assertEquals(Errno.OK, read.join());
            await(files, 0);
            buffer.release();
        } finally {
            Libc.CALLS.close(file);
        }
    }

    /** Actions that come and go on a busy file are not taken for one that stays. */
    @Test
    void onlyWhatSeveralLooksInARowHaveSeenHasStalled() {
        int busy = 7;
        int stuck = 8;
        int kept = StallLook.UNSEEN;
        for (int number = 1; number < 100; number++) {
            StallLook look = new StallLook(number);
            assertEquals(number, look.sees(busy, StallLook.UNSEEN));
            kept = look.sees(stuck, kept);
            assertEquals(1, kept);
            assertEquals(number > StallLook.STALLED ? Map.of(stuck, 1) : Map.of(), look.stalledSince());
        }
    }

    @Test
    void aFileIsCalledByItsPath(@TempDir Path directory) throws Exception {
        Path path = directory.toRealPath().resolve("disk");
        PosixFiles.create(path, 4096);
        int file = Libc.CALLS.open(path.toString(), Libc.O_RDONLY, 0);
        assertEquals(path.toString(), PosixFiles.pathOf(file));
        Libc.CALLS.close(file);
    }
}
