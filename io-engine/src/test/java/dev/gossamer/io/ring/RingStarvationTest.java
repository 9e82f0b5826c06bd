package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoOps;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** File I/O while the kernel takes none: nothing fails that may still be carried out, and nothing waits for ever. */
class RingStarvationTest {
    private final InlineLoop loop = new InlineLoop(null, new IoBufferPool(1 << 20));
    private final RingFileEngine engine = new RingFileEngine(() -> null);
    private final List<IoOps> queued = new ArrayList<>();
    private final List<String> answers = new ArrayList<>();
    private int room;
    private int timers;
    private Throwable refusal;
    private boolean ended;
    private final SubmissionQueue full;

    private RingStarvationTest() {
        full = new SubmissionQueue(new SubmissionQueue.Entries() {
            @Override
            public int count() {
                return queued.size();
            }

            @Override
            public int remaining() {
                return room - queued.size();
            }

            @Override
            public int submit() {
                throw SubmissionQueueTest.refusal(Errno.EAGAIN);
            }
        });
        engine.start(new Registration(), full, () -> timers++);
    }

    @Test
    void anEarlySubmissionThatFailsIsNoAnswer() {
        room = 100;
        for (int i = 0; i < 20; i++) {
            sync(i);
        }
        assertEquals(20, queued.size());
        assertEquals(List.of(), answers);
    }

    @Test
    void whatFindsNoRoomGoesLaterInItsOrder() {
        for (int i = 0; i < 3; i++) {
            sync(i);
        }
        assertEquals(1, timers);
        engine.retryStarved();
        assertEquals(2, timers);
        room = 100;
        engine.retryStarved();
        assertEquals(3, queued.size());
        assertEquals(List.of(), answers);
        assertEquals(2, timers);
    }

    @Test
    void whatNettyRefusesToQueueIsTriedAgainToo() {
        room = 100;
        refusal = new IllegalStateException("submission queue full");
        sync(0);
        refusal = null;
        engine.retryStarved();
        assertEquals(1, queued.size());
        assertEquals(List.of(), answers);
    }

    @Test
    void whatTheKernelNeverSeesFailsAfterAWhile() {
        sync(0);
        for (int i = 0; i < 10_000; i++) {
            engine.retryStarved();
        }
        assertEquals(List.of("0 ECANCELED"), answers);
        assertEquals(0, loop.requests().inUse());
    }

    /** At once again would keep the loop from everything else, as long as the kernel wants. */
    @Test
    void whatTheKernelSendsAwayIsTriedAgainAfterAPauseAndNotForEver() {
        room = 100;
        sync(0);
        queued.clear();
        for (int i = 0; i < 10_000; i++) {
            completed(-(i % 2 == 0 ? Errno.EAGAIN : Errno.EINTR));
            assertEquals(0, queued.size(), "not inside the completion");
            assertEquals(i + 1, timers);
            engine.retryStarved();
            assertEquals(1, queued.size());
            assertEquals(List.of(), answers);
            queued.clear();
        }
        completed(-Errno.EAGAIN);
        assertEquals(List.of("0 EAGAIN"), answers);
        assertEquals(0, loop.requests().inUse());
    }

    @Test
    void howOftenItWasSentAwayCountsOnlyUntilItComesFurther() {
        room = 100;
        IoBuffer buffer = loop.buffers().acquire(4096);
        BlockRequest write = loop.requests().acquire().transfer(BlockOperation.WRITE, 0, 4096, 0, buffer, 0);
        write.push((done, errno) -> {
            answers.add(Errno.name(errno));
            done.recycle();
        });
        engine.submit(FileAction.WRITE, 1, write);
        for (int i = 0; i < 4; i++) {
            for (int times = 0; times < 9_000; times++) {
                completed(-Errno.EAGAIN);
                engine.retryStarved();
                queued.clear();
            }
            completed(1024);
            queued.clear();
        }
        assertEquals(List.of("OK"), answers);
        buffer.release();
    }

    private void completed(int result) {
        engine.handle(null, new IoUringIoEvent(result, 0, (byte) 0, 0));
    }

    private void sync(int file) {
        BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        request.push((done, errno) -> {
            answers.add(file + " " + Errno.name(errno));
            done.recycle();
        });
        engine.submit(FileAction.SYNC, file, request);
    }

    private final class Registration implements IoRegistration {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's
        public <T> T attachment() {
            return null;
        }

        @Override
        public long submit(IoOps ops) {
            if (refusal instanceof Error error) {
                throw error;
            }
            if (refusal != null) {
                throw (RuntimeException) refusal;
            }
            queued.add((IoUringIoOps) ops);
            return 0;
        }

        @Override
        public boolean isValid() {
            return !ended;
        }

        @Override
        public boolean cancel() {
            return true;
        }
    }

    @Test
    void withoutATimerWhatFindsNoRoomEndsAndWhateverWaitsBehindItToo() {
        engine.start(new Registration(), full, () -> {
            throw new OutOfMemoryError("for a timer");
        });
        int files = 5_000;
        for (int i = 0; i < files; i++) {
            sync(i);
        }
        assertEquals(files, answers.size());
        assertEquals(0, loop.requests().inUse());
        assertEquals(0, timers);
    }

    @Test
    void whateverNettyThrowsIsTriedAgain() {
        room = 100;
        refusal = new AssertionError("in Netty");
        sync(0);
        refusal = null;
        engine.retryStarved();
        assertEquals(1, queued.size());
        assertEquals(List.of(), answers);
    }

    /** One behind the other, and not each inside the end of the one before. */
    @Test
    void whenTheLoopEndsAllWhoWaitForASlotAreAnswered() {
        int files = 100_000;
        room = files;
        for (int i = 0; i < files; i++) {
            sync(i);
        }
        assertEquals(RingFileEngine.SLOTS, queued.size());
        ended = true;
        completed(0);
        assertEquals(files - RingFileEngine.SLOTS + 1, answers.size());
    }
}
