package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.SimLoops;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who shares an fdatasync(2) with whom: nobody shares one that began before he asked (G-3). */
class DeviceSyncsTest {
    private static final int FILE = 3;

    private final SimLoops loops = new SimLoops(1, 3, 4096);
    private final ArrayDeque<BlockRequest> underWay = new ArrayDeque<>();
    private final List<String> answers = new ArrayList<>();
    private final DeviceHealth health = new DeviceHealth("a device");
    private final DeviceSyncs syncs = new DeviceSyncs(FILE, health);
    private AssertionError breaks;

    /** Keeps what it is asked for. */
    private final class HeldFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            assertEquals(FileAction.SYNC, action);
            assertEquals(FILE, fileDescriptor);
            if (breaks != null) {
                AssertionError bug = breaks;
                breaks = null;
                throw bug;
            }
            request.taken();
            underWay.add(request);
        }

        @Override
        public String name() {
            return "held";
        }
    }

    DeviceSyncsTest() {
        loops.setFiles(new HeldFiles());
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, underWay.size());
        for (int i = 0; i < loops.count(); i++) {
            int loop = i;
            loops.enter(i, () -> assertEquals(0, loops.loop(loop).requests().inUse(), "of loop " + loop));
        }
        loops.close();
    }

    private void ask(int loop, String name) {
        loops.enter(loop, () -> ask(loops.loop(loop), name));
        loops.runUntilIdle();
    }

    private void ask(IoLoop loop, String name) {
        BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        request.push((done, errno) -> {
            assertTrue(done.loop().inLoop(), name + " is answered on another loop than its own");
            answers.add(name + " " + errno);
            done.recycle();
        });
        assertTrue(health.admit(request));
        request.guard(syncs::submit);
    }

    private void finish(int errno) {
        BlockRequest sync = underWay.remove();
        loops.enter(sync.loop().index(), () -> sync.complete(errno));
        loops.runUntilIdle();
    }

    @Test
    void aRequestIsNotAnsweredByASyncThatBeganBeforeIt() {
        ask(0, "first");
        ask(1, "late");
        finish(Errno.OK);
        assertEquals(List.of("first 0"), answers);
        finish(Errno.OK);
        assertEquals(List.of("first 0", "late 0"), answers);
    }

    @Test
    void allWhoWaitShareTheNextOneWhicheverLoopTheyAreOf() {
        ask(0, "a");
        ask(0, "b");
        ask(1, "c");
        ask(2, "d");
        ask(1, "e");
        assertEquals(1, underWay.size());
        finish(Errno.OK);
        assertEquals(1, underWay.size());
        finish(Errno.OK);
        answers.sort(null);
        assertEquals(List.of("a 0", "b 0", "c 0", "d 0", "e 0"), answers);
    }

    /** The kernel tells of it once: whoever flushes next hears that all is well. */
    @Test
    void whatFailedOnOneLoopIsKnownBeforeAnotherHearsThatAllIsWell() {
        ask(0, "a");
        ask(1, "b");
        finish(Errno.OK);
        ask(0, "c");
        // By loop 0, for loop 1, which does not come to look before the next one is done.
        BlockRequest failed = underWay.remove();
        loops.enter(0, () -> failed.complete(Errno.EIO));
        BlockRequest next = underWay.remove();
        loops.enter(0, () -> next.complete(Errno.OK));
        loops.runUntilIdle();
        answers.sort(null);
        assertEquals(List.of("a 0", "b " + Errno.EIO, "c " + Errno.EIO), answers);
    }

    @Test
    void whoAsksAgainFromHisAnswerGetsASyncOfHisOwn() {
        loops.enter(0, () -> {
            BlockRequest eager = loops.loop(0).requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            eager.push((request, errno) -> {
                answers.add("eager " + errno);
                request.recycle();
                ask(loops.loop(0), "again");
            });
            syncs.submit(eager);
        });
        ask(1, "waiting");
        finish(Errno.OK);
        finish(Errno.OK);
        assertEquals(List.of("eager 0", "waiting 0"), answers);
        finish(Errno.OK);
        assertEquals(List.of("eager 0", "waiting 0", "again 0"), answers);
    }

    /** Nobody has asked the device, so nothing is known of it; and whose loop is well has his call made there. */
    @Test
    void aSyncThatCannotBeBegunEndsThoseOfItsLoopAndOthersMakeItThemselves() {
        loops.expectFaults();
        ask(0, "a");
        ask(1, "b");
        ask(0, "c");
        ask(2, "d");
        breaks = new AssertionError("a bug");
        finish(Errno.OK);
        answers.sort(null);
        assertEquals(List.of("a 0", "c " + Errno.ECANCELED), answers);
        assertFalse(loops.faults().isEmpty());
        while (!underWay.isEmpty()) {
            finish(Errno.OK);
        }
        answers.sort(null);
        assertEquals(List.of("a 0", "b 0", "c " + Errno.ECANCELED, "d 0"), answers);
        assertFalse(health.isFailed());
        ask(0, "e");
        finish(Errno.OK);
        assertTrue(answers.contains("e 0"));
    }

    @Test
    void aSyncThatFindsNoRoomForLongCostsThoseOfItsLoopOnly() {
        ask(0, "a");
        ask(1, "b");
        ask(0, "c");
        finish(Errno.OK);
        finish(Errno.ECANCELED);
        finish(Errno.OK);
        answers.sort(null);
        assertEquals(List.of("a 0", "b 0", "c " + Errno.ECANCELED), answers);
        assertFalse(health.isFailed());
    }

    /** Or its loop would wait for ever, and all others with it. */
    @Test
    void whatAWatcherOfLostWritesThrowsKeepsNobodyWaiting() {
        List<String> told = new ArrayList<>();
        health.watch(why -> {
            throw new OutOfMemoryError("for a message");
        });
        health.watch(told::add);
        ask(0, "a");
        ask(1, "b");
        finish(Errno.EIO);
        finish(Errno.OK);
        assertEquals(List.of("a " + Errno.EIO, "b " + Errno.EIO), answers);
        assertEquals(List.of(health.failure()), told);
    }

    @Test
    void aThreadThatWaitsForItsOwnCallMakesItAlone() {
        ask(0, "a");
        try (IoBufferPool buffers = new IoBufferPool(IoBufferPool.PAGE_BYTES)) {
            InlineLoop inline = new InlineLoop(new HeldFiles(), buffers);
            ask(inline, "inline");
            assertEquals(2, underWay.size());
            underWay.removeLast().complete(Errno.OK);
            assertEquals(List.of("inline 0"), answers);
            assertEquals(0, inline.requests().inUse());
        }
        finish(Errno.OK);
    }

    /** The kernel's own calls, from loops that are threads. */
    @ParameterizedTest
    @EnumSource(names = {"AUTO", "THREADS"})
    void everybodyIsAnsweredOnHisLoop(IoEngineChoice engine, @TempDir Path directory) throws Exception {
        Path file = directory.resolve("synced");
        PosixFiles.create(file, 1 << 20);
        int each = 2_000;
        AtomicInteger wrong = new AtomicInteger();
        try (IoLoops threads = IoLoops.start(3, engine, 1 << 20);
                PosixDevice device = PosixDevice.open(file, new OpenOptions(false, true))) {
            CountDownLatch answered = new CountDownLatch(3 * each);
            for (int i = 0; i < 3; i++) {
                IoLoop loop = threads.loop(i);
                AtomicInteger left = new AtomicInteger(each);
                loop.execute(() -> {
                    for (int depth = 0; depth < 4; depth++) {
                        flush(device, loop, left, wrong, answered);
                    }
                });
            }
            assertTrue(answered.await(120, TimeUnit.SECONDS), answered.getCount() + " are never answered");
            for (int i = 0; i < 3; i++) {
                LoopDriver driver = LoopDriver.ofThread(threads.loop(i));
                driver.run(() -> assertEquals(0, driver.loop().requests().inUse()));
            }
        }
        assertEquals(0, wrong.get());
    }

    private static void flush(
            PosixDevice device, IoLoop loop, AtomicInteger left, AtomicInteger wrong, CountDownLatch answered) {
        if (left.getAndDecrement() <= 0) {
            return;
        }
        BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        request.push((done, errno) -> {
            if (errno != Errno.OK || !loop.inLoop()) {
                wrong.incrementAndGet();
            }
            done.recycle();
            answered.countDown();
            flush(device, loop, left, wrong, answered);
        });
        device.start(request);
    }
}
