package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who shares an fdatasync(2) with whom: nobody shares one that began before he asked (G-3). */
class SharedSyncsTest {
    private final InlineLoop loop = new InlineLoop(new InlineFileEngine(), new IoBufferPool(IoBufferPool.PAGE_BYTES));
    private final ArrayDeque<BlockRequest> underWay = new ArrayDeque<>();
    private final List<String> answers = new ArrayList<>();
    private final SharedSyncs syncs = new SharedSyncs((file, request) -> underWay.add(request));

    @Test
    void aRequestIsNotAnsweredByASyncThatBeganBeforeIt() {
        ask(3, "first");
        ask(3, "late");
        finish(Errno.OK);
        assertEquals(List.of("first 0"), answers);
        finish(Errno.OK);
        assertEquals(List.of("first 0", "late 0"), answers);
    }

    @Test
    void allWhoWaitShareTheNextOne() {
        ask(3, "a");
        for (String name : List.of("b", "c", "d")) {
            ask(3, name);
        }
        assertEquals(1, underWay.size());
        finish(Errno.OK);
        assertEquals(1, underWay.size());
        finish(Errno.OK);
        assertEquals(List.of("a 0", "b 0", "c 0", "d 0"), answers);
        assertEquals(0, underWay.size());
    }

    @Test
    void whatWaitsForAFailedSyncFailsWithIt() {
        ask(3, "a");
        ask(3, "b");
        finish(Errno.EIO);
        assertEquals(List.of("a " + Errno.EIO, "b " + Errno.EIO), answers);
        ask(3, "c");
        finish(Errno.OK);
        assertEquals("c 0", answers.getLast());
    }

    @Test
    void filesDoNotWaitForEachOther() {
        ask(3, "a");
        ask(4, "b");
        assertEquals(2, underWay.size());
        finish(Errno.EIO);
        finish(Errno.OK);
        assertEquals(List.of("a " + Errno.EIO, "b 0"), answers);
    }

    @Test
    void whoAsksAgainFromHisAnswerGetsASyncOfHisOwn() {
        BlockRequest eager = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        eager.push((request, errno) -> {
            answers.add("eager " + errno);
            request.recycle();
            ask(3, "again");
        });
        syncs.submit(3, eager);
        ask(3, "waiting");
        finish(Errno.OK);
        finish(Errno.OK);
        assertEquals(List.of("eager 0", "waiting 0"), answers);
        finish(Errno.OK);
        assertEquals(List.of("eager 0", "waiting 0", "again 0"), answers);
    }

    private void ask(int file, String name) {
        BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        request.push((done, errno) -> {
            answers.add(name + " " + errno);
            done.recycle();
        });
        syncs.submit(file, request);
    }

    private void finish(int errno) {
        underWay.poll().complete(errno);
    }

    @Test
    void aSyncThatCannotBeBegunEndsItsOwnAndTheRestGoOn() {
        loop.faults().watch(fault -> answers.add(fault.getMessage()));
        SharedSyncs throwing = new SharedSyncs((file, request) -> {
            if (underWay.size() + answers.size() == 1) {
                throw new AssertionError("a bug");
            }
            underWay.add(request);
        });
        for (String name : List.of("a", "b", "c")) {
            BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            request.push((done, errno) -> {
                answers.add(name + " " + errno);
                done.recycle();
            });
            throwing.submit(3, request);
            if (name.equals("a")) {
                answers.clear();
            }
        }
        answers.add("while the second begins");
        BlockRequest first = underWay.poll();
        first.complete(Errno.OK);
        answers.removeIf(answer -> answer.startsWith("while"));
        answers.sort(null);
        assertEquals(List.of("a 0", "a bug", "b " + Errno.EIO, "c " + Errno.EIO), answers);
        assertEquals(0, loop.requests().inUse());
    }
}
