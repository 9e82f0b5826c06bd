package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.device.OpenerThreads;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices that hang in system calls, as on a server that is away: who waits for them, and who does not. */
class HangingDevicesTest {
    /** Far longer than a task takes to run; only a failure waits for so long. */
    private static final long FAR_SECONDS = 30;

    private static final int LOCK_UN = 8; // flock(2)

    @TempDir
    private Path directory;

    private Path file;
    private int holder;

    @BeforeEach
    void hold() throws IOException {
        file = Files.createFile(directory.resolve("held"));
        holder = Libc.CALLS.open(file.toString(), Libc.O_RDWR, 0);
        assertEquals(0, Libc.CALLS.flock(holder, Libc.LOCK_EX));
    }

    /** Everybody who hangs goes on. */
    @AfterEach
    void letGo() {
        Libc.CALLS.flock(holder, LOCK_UN);
        Libc.CALLS.close(holder);
    }

    /** In a system call that does not return. */
    private int hang(CountDownLatch hanging) {
        int own = Libc.CALLS.open(file.toString(), Libc.O_RDWR, 0);
        hanging.countDown();
        Libc.CALLS.flock(own, Libc.LOCK_EX);
        return Libc.CALLS.close(own);
    }

    private static void assertRuns(Executor executor) throws InterruptedException {
        CountDownLatch ran = new CountDownLatch(1);
        executor.execute(ran::countDown);
        assertTrue(ran.await(FAR_SECONDS, TimeUnit.SECONDS), "waits for somebody else's device");
    }

    @Test
    void requestsThatHangAreBoundedAndKeepNoThreadOfOthers() throws Exception {
        OpenerThreads threads = new OpenerThreads();
        CountDownLatch hanging = new CountDownLatch(OpenerThreads.LIMIT);
        List<CompletableFuture<Integer>> answers = new ArrayList<>();
        for (int i = 0; i < OpenerThreads.LIMIT; i++) {
            answers.add(threads.run(() -> hang(hanging)));
        }
        assertTrue(hanging.await(FAR_SECONDS, TimeUnit.SECONDS), "as many as that have a thread");
        assertRuns(Thread::startVirtualThread);

        ExecutionException refused = assertThrows(
                ExecutionException.class, () -> threads.run(() -> 0).get(FAR_SECONDS, TimeUnit.SECONDS));
        assertEquals(Errno.EBUSY, ((StorageException) refused.getCause()).errno());

        Libc.CALLS.flock(holder, LOCK_UN);
        for (CompletableFuture<Integer> answer : answers) {
            assertEquals(0, answer.get(FAR_SECONDS, TimeUnit.SECONDS));
        }
        assertEquals(1, threads.run(() -> 1).get(FAR_SECONDS, TimeUnit.SECONDS));
    }

    @Test
    void whatFailsGivesItsPlaceBackAndTheNextFollowsAtOnce() throws Exception {
        OpenerThreads threads = new OpenerThreads();
        for (int i = 0; i <= OpenerThreads.LIMIT; i++) {
            CompletableFuture<Integer> failed = threads.run(() -> {
                throw new StorageException(Errno.ENODEV, "is away");
            });
            assertThrows(ExecutionException.class, () -> failed.get(FAR_SECONDS, TimeUnit.SECONDS));
        }
    }

    /** Held writes of an origin wait for it. */
    @Test
    void aLossIsRecordedAndAMergeEndsWhileVirtualThreadsHang() throws Exception {
        int all = 2 * Runtime.getRuntime().availableProcessors();
        List<Thread> threads = new ArrayList<>();
        try {
            CountDownLatch first = new CountDownLatch(1);
            for (int i = 0; i < all; i++) {
                threads.add(Thread.startVirtualThread(() -> hang(first)));
            }
            assertTrue(first.await(FAR_SECONDS, TimeUnit.SECONDS), "somebody hangs");
            assertRuns(CowThreads.OWN.losses());
            assertRuns(CowThreads.OWN.changes());
        } finally {
            Libc.CALLS.flock(holder, LOCK_UN);
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }
}
