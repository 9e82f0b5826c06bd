package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StallLook;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ThreadFileEngineTest {
    private static final int NO_FILE = 1 << 20;

    private int ended;

    private void submit(InlineLoop loop, ThreadFileEngine engine, int file) {
        BlockRequest request = loop.requests().acquire().command(BlockOperation.DISCARD, 0, 4096, 0);
        request.push((done, errno) -> ended++);
        engine.submit(FileAction.PUNCH_HOLE, file, request);
    }

    private static Map<Integer, Integer> look(ThreadFileEngine engine, int number) {
        StallLook look = new StallLook(number);
        engine.show(look);
        return look.stalledSince();
    }

    /** Nobody carries it out. */
    @Test
    void whatStaysUnderWayHasStalled() {
        try (FileThreads none = new FileThreads(0)) {
            ThreadFileEngine engine = new ThreadFileEngine(none);
            InlineLoop loop = new InlineLoop(engine, new IoBufferPool(IoBufferPool.PAGE_BYTES));
            submit(loop, engine, 7);
            assertEquals(Map.of(), look(engine, 1));
            submit(loop, engine, 8);
            for (int number = 2; number < 1 + StallLook.STALLED; number++) {
                assertEquals(Map.of(), look(engine, number), "look " + number);
            }
            assertEquals(Map.of(7, 1), look(engine, 1 + StallLook.STALLED));
            assertEquals(Map.of(7, 1, 8, 2), look(engine, 2 + StallLook.STALLED));
        }
    }

    /** Each is the same object of the engine's, used again. */
    @Test
    void whatComesAndGoesHasNot() {
        try (FileThreads threads = new FileThreads(1)) {
            ThreadFileEngine engine = new ThreadFileEngine(threads);
            InlineLoop loop = new InlineLoop(engine, new IoBufferPool(IoBufferPool.PAGE_BYTES));
            for (int number = 1; number < 4 * StallLook.STALLED; number++) {
                submit(loop, engine, NO_FILE);
                assertEquals(Map.of(), look(engine, number));
                while (ended < number) {
                    loop.runOrPark();
                }
            }
            assertEquals(Map.of(), look(engine, 4 * StallLook.STALLED));
        }
    }
}
