package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One fault, one victim: what a request's handling throws ends that request, and nothing else. */
class FaultsTest {
    private final SimLoops loops = new SimLoops(1, 2, 1 << 20);
    private final IoLoop loop = loops.loop(0);
    private final List<String> answers = new ArrayList<>();

    @BeforeEach
    void faultsAreThrownHere() {
        loops.expectFaults();
    }

    @AfterEach
    void everyRequestIsBack() {
        loops.enter(0, () -> assertEquals(0, loop.requests().inUse()));
        loops.close();
    }

    /** The kinds that the program can meet. */
    static Stream<Throwable> kinds() {
        return Stream.of(
                new AssertionError("an invariant"),
                new IllegalStateException("a bug"),
                new OutOfMemoryError("Java heap space"));
    }

    private BlockRequest request(String name) {
        BlockRequest request = loop.requests().acquire().command(BlockOperation.DISCARD, 0, 1 << 20, 0);
        request.push((done, errno) -> {
            answers.add(name + " " + Errno.name(errno));
            done.recycle();
        });
        return request;
    }

    private void onLoop(Runnable task) {
        loops.enter(0, task);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aCompletionThatThrowsEndsItsRequestAndReturns(Throwable kind) {
        onLoop(() -> {
            BlockRequest request = request("a");
            request.push((done, errno) -> doThrow(kind));
            request.complete(Errno.OK);
            request("b").complete(Errno.OK);
        });
        assertEquals(List.of("a EIO", "b OK"), answers);
        assertEquals(List.of(kind), loops.faults());
    }

    @Test
    void whatTheSubmittersOwnCompletionThrowsIsNoAnswerTwice() {
        onLoop(() -> {
            BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            request.push((done, errno) -> {
                done.recycle();
                answers.add("once");
                throw new AssertionError("after the end");
            });
            request.push((done, errno) -> done.complete(errno));
            request.complete(Errno.OK);
        });
        assertEquals(List.of("once"), answers);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aDeviceThatThrowsEndsTheRequestWithAllThatItHadPushed(Throwable kind) {
        onLoop(() -> device(request -> {
                    request.push((done, errno) -> {
                        answers.add("layer " + Errno.name(errno));
                        done.complete(errno);
                    });
                    doThrow(kind);
                })
                .start(request("a")));
        assertEquals(List.of("layer EIO", "a EIO"), answers);
    }

    @Test
    void aRequestThatTheDeviceHasTakenIsNotEndedASecondTime() {
        RequestQueue queue = new RequestQueue();
        onLoop(() -> device(request -> {
                    queue.add(request);
                    throw new AssertionError("late");
                })
                .start(request("a")));
        assertEquals(List.of(), answers);
        onLoop(() -> queue.poll().complete(Errno.OK));
        assertEquals(List.of("a OK"), answers);
    }

    @Test
    void norOneThatADeviceKeepsWhereNothingTells() {
        BlockDevice keeps = device(request -> request.loop().execute(() -> request.complete(Errno.OK)));
        onLoop(() -> request("a").guard(request -> {
            keeps.start(request);
            throw new AssertionError("late");
        }));
        assertEquals(List.of(), answers);
        loops.runUntilIdle();
        assertEquals(List.of("a OK"), answers);
    }

    @Test
    void aSplitThatBreaksOffEndsOnceWithItsParts() {
        RequestQueue disk = new RequestQueue();
        onLoop(() -> request("a").guard(request -> {
            request.beginSplit();
            disk.add(request.child(0, 100));
            request.child(100, 100);
            throw new AssertionError("between a part's making and its submission");
        }));
        assertEquals(List.of(), answers);
        onLoop(() -> disk.poll().complete(Errno.OK));
        assertEquals(List.of("a EIO"), answers);
    }

    @Test
    void aPartThatThrowsLeavesTheOthersAlone() {
        RequestQueue disk = new RequestQueue();
        onLoop(() -> {
            BlockRequest request = request("a");
            request.beginSplit();
            device(part -> {
                        throw new IllegalStateException("one part");
                    })
                    .start(request.child(0, 100));
            device(disk::add).start(request.child(100, 100));
            request.endSplit();
        });
        assertEquals(List.of(), answers);
        onLoop(() -> disk.poll().complete(Errno.OK));
        assertEquals(List.of("a EIO"), answers);
    }

    @Test
    void completingTwiceIsAFaultOfWhoDoesIt() {
        onLoop(() -> {
            BlockRequest request = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
            request.push((done, errno) -> {});
            request.complete(Errno.OK);
            assertThrows(AssertionError.class, () -> request.complete(Errno.EIO));
            request.recycle();
        });
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aTaskOrTimerThatThrowsLeavesTheLoopRunning(Throwable kind) {
        loop.execute(() -> doThrow(kind));
        loop.execute(() -> answers.add("task"));
        loop.schedule(() -> doThrow(kind), 10);
        loop.schedule(() -> answers.add("timer"), 10);
        loops.advance(10);
        assertEquals(List.of("task", "timer"), answers);
        assertEquals(List.of(kind, kind), loops.faults());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aWaiterForMemoryThatThrowsIsOneWaiterLess(Throwable kind) {
        onLoop(() -> {
            var buffer = loop.buffers().acquire(1 << 20);
            loop.buffers().whenReleased(() -> doThrow(kind));
            loop.buffers().whenReleased(() -> answers.add("second"));
            buffer.release();
            loop.buffers().whenReleased(() -> answers.add("third"));
            loop.buffers().acquire(IoBufferPool.PAGE_BYTES).release();
        });
        assertEquals(List.of("second", "third"), answers);
    }

    @Test
    void watchersAreToldAndOneThatThrowsDoesNotKeepItFromTheOthers() {
        Faults faults = new Faults("here");
        List<Throwable> told = new ArrayList<>();
        Consumer<Throwable> broken = fault -> doThrow(new OutOfMemoryError("again"));
        faults.watch(broken);
        faults.watch(told::add);
        AssertionError fault = new AssertionError("told");
        faults.caught(fault);
        assertEquals(List.of(fault), told);
        assertEquals(2, faults.count());
        faults.unwatch(broken);
        faults.caught(fault);
        assertEquals(3, faults.count());
    }

    private static BlockDevice device(Consumer<BlockRequest> submit) {
        return new BlockDevice() {
            @Override
            public BlockGeometry geometry() {
                throw new UnsupportedOperationException();
            }

            @Override
            public void submit(BlockRequest request) {
                submit.accept(request);
            }

            @Override
            public void close() {}
        };
    }

    private static void doThrow(Throwable kind) {
        switch (kind) {
            case Error error -> throw error;
            case RuntimeException exception -> throw exception;
            default -> throw new IllegalArgumentException(kind);
        }
    }

    @Test
    void anOwnerOfTasksIsToldOfHisOwnOnly() {
        List<String> told = new ArrayList<>();
        IoLoop one = new OwnedLoop(loop, bug -> told.add("one: " + bug.getMessage()));
        IoLoop other = new OwnedLoop(loop, bug -> told.add("other: " + bug.getMessage()));
        one.execute(() -> {
            throw new AssertionError("a task");
        });
        new Wakeup(one, () -> {
                    throw new AssertionError("a wake-up");
                })
                .call();
        other.schedule(
                () -> {
                    throw new IllegalStateException("a timer");
                },
                1);
        loop.execute(() -> {
            throw new IllegalStateException("nobody's");
        });
        loops.advance(10);
        told.sort(null);
        assertEquals(List.of("one: a task", "one: a wake-up", "other: a timer"), told);
        assertEquals(4, loop.faults().count());
    }
}
