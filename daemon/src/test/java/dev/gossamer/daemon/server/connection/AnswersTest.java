package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.daemon.server.access.RecordedLog;
import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever an answer throws, the memory of its command comes back. */
class AnswersTest {
    private final SimLoops loops = new SimLoops(1, 1, 1 << 20);

    @AfterEach
    void close() {
        loops.close();
    }

    /** In place of a reply's object, for which there is no memory, there is none to ask for one. */
    @Test
    void memoryComesBackWhateverKeepsTheAnswer() {
        loops.enter(0, () -> {
            var loop = loops.loop(0);
            LoopLoad load = new LoopLoad(loop);
            HeldMemory memory = new HeldMemory(loop, load, 1 << 20, () -> {});
            RequestWatch watch = RequestWatch.ofLoops(1, RecordedLog.into(new ArrayList<>()))[0];
            Answers answers = new Answers(
                    new ConnectionLife(),
                    null,
                    new ConnectionCounters(),
                    memory,
                    null,
                    memory::wasGivenBack,
                    watch,
                    "an export");
            var buffer = memory.tryAcquire(4096);
            BlockRequest request = loop.requests().acquire().transfer(BlockOperation.READ, 0, 4096, 0, buffer, 0);
            assertThrows(NullPointerException.class, () -> answers.completed(request, Errno.OK));
            assertEquals(0, loop.buffers().usedBytes(), "transfer memory is lost");
            assertFalse(memory.isHolding());
            request.recycle();
        });
    }
}
