package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockRequestTest {
    private final IoBufferPool buffers = new IoBufferPool(1 << 20);
    private final InlineLoop loop = new InlineLoop(null, buffers);
    private final List<String> log = new ArrayList<>();

    @AfterEach
    void everythingIsGivenBack() {
        assertEquals(0, loop.requests().inUse());
        buffers.close();
    }

    private BlockRequest discard(long offsetBytes, long lengthBytes) {
        return submitted(loop.requests().acquire().command(BlockOperation.DISCARD, offsetBytes, lengthBytes, 0));
    }

    private BlockRequest submitted(BlockRequest request) {
        request.push((done, errno) -> {
            log.add("submitter " + errno + " at " + done.offsetBytes());
            done.recycle();
        });
        return request;
    }

    @Test
    void completionsRunLastPushedFirstAndOffsetsAreRestored() {
        BlockRequest request = discard(1000, 10);
        request.push(
                (done, errno) -> {
                    log.add("outer " + errno + " at " + done.offsetBytes());
                    done.complete(Errno.EIO);
                },
                5000);
        request.push(
                (done, errno) -> {
                    log.add("inner " + errno + " at " + done.offsetBytes());
                    done.complete(errno);
                },
                70000);
        assertEquals(70000, request.offsetBytes());
        request.complete(Errno.ENOSPC);
        assertEquals(List.of("inner 28 at 5000", "outer 28 at 1000", "submitter 5 at 1000"), log);
    }

    @Test
    void aChildSharesTheParentsMemoryAtItsPlace() {
        IoBuffer buffer = buffers.acquire(8192);
        BlockRequest request = submitted(
                loop.requests().acquire().transfer(BlockOperation.WRITE, 10000, 4096, BlockRequest.FUA, buffer, 512));
        request.beginSplit();
        BlockRequest child = request.child(11000, 100);
        assertEquals(512 + 1000, child.bufferOffsetBytes());
        assertEquals(buffer.address() + 1512, child.address());
        assertSame(buffer, child.buffer());
        assertEquals(BlockOperation.WRITE, child.operation());
        assertEquals(BlockRequest.FUA, child.flags());
        request.endSplit();
        assertEquals(List.of(), log);
        child.complete(Errno.OK);
        assertEquals(List.of("submitter 0 at 10000"), log);
        buffer.release();
    }

    @Test
    void childrenThatCompleteAtOnceDoNotEndTheSplitEarly() {
        BlockRequest request = discard(0, 300);
        request.beginSplit();
        for (int i = 0; i < 3; i++) {
            request.child(i * 100L, 100).complete(Errno.OK);
        }
        assertEquals(List.of(), log);
        request.endSplit();
        assertEquals(List.of("submitter 0 at 0"), log);
    }

    @Test
    void theFirstErrorOfTheChildrenWins() {
        BlockRequest request = discard(0, 300);
        request.beginSplit();
        BlockRequest first = request.child(0, 100);
        BlockRequest second = request.child(100, 100);
        request.addPart();
        request.endSplit();
        second.complete(Errno.ENOSPC);
        request.partDone(Errno.OK);
        first.complete(Errno.EIO);
        assertEquals(List.of("submitter 28 at 0"), log);
    }

    @Test
    void aChildCanBeSplitAgain() {
        BlockRequest request = discard(0, 400);
        request.beginSplit();
        BlockRequest child = request.child(0, 400);
        child.beginSplit();
        BlockRequest grandchild = child.child(100, 50);
        child.endSplit();
        request.endSplit();
        grandchild.complete(Errno.EIO);
        assertEquals(List.of("submitter 5 at 0"), log);
    }

    @Test
    void aRecycledRequestComesBackClean() {
        BlockRequest request = discard(0, 400);
        request.note(this);
        request.setProgress(7);
        request.complete(Errno.OK);
        BlockRequest again = loop.requests().acquire();
        assertSame(request, again);
        assertEquals(null, again.note(Object.class));
        assertEquals(0, again.progress());
        again.recycle();
    }

    @Test
    void recyclingARequestThatSomeoneWaitsForIsAnError() {
        BlockRequest request = discard(0, 0);
        assertThrows(AssertionError.class, request::recycle);
        request.complete(Errno.OK);
    }

    /** Whatever the offsets below are: a client is told where in its own request it was (T14, T39). */
    @Test
    void theFailedPartIsNamedWhereTheSubmitterSeesIt() {
        long[] place = new long[1];
        BlockRequest request = loop.requests().acquire().command(BlockOperation.DISCARD, 1000, 300, 0);
        request.push((done, errno) -> {
            log.add("submitter " + errno);
            place[0] = done.failedPartOffsetBytes();
            done.recycle();
        });
        request.push(BlockRequest::complete, 70_000);
        request.beginSplit();
        BlockRequest first = request.child(70_000, 100);
        BlockRequest second = request.child(70_100, 200);
        request.endSplit();
        first.complete(Errno.OK);
        second.push(BlockRequest::complete, 5);
        second.beginSplit();
        BlockRequest fine = second.child(5, 50);
        BlockRequest broken = second.child(55, 150);
        second.endSplit();
        broken.complete(Errno.EIO);
        fine.complete(Errno.OK);
        assertEquals(List.of("submitter " + Errno.EIO), log);
        assertEquals(1150, place[0]);
    }
}
