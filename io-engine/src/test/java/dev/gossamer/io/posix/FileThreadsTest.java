package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a call throws on a thread of the pool ends its request; the thread goes on. */
class FileThreadsTest {
    @Test
    void aCallThatThrowsEndsItsRequestAndTheThreadServesTheNextOne() {
        try (FileThreads threads = new FileThreads(1)) {
            ThreadFileEngine engine = new ThreadFileEngine(threads);
            InlineLoop loop = new InlineLoop(engine, new IoBufferPool(IoBufferPool.PAGE_BYTES));
            List<Integer> answers = new ArrayList<>();
            for (FileAction action : List.of(FileAction.READ, FileAction.SYNC)) {
                // A READ without memory is a bug that the call trips over; there is no file -1 (EBADF).
                BlockRequest request = loop.requests().acquire().command(BlockOperation.READ, 0, 4096, 0);
                request.push((done, errno) -> {
                    answers.add(errno);
                    done.recycle();
                });
                engine.submit(action, -1, request);
            }
            while (answers.size() < 2) {
                loop.runOrPark();
            }
            assertEquals(List.of(Errno.EIO, 9), answers);
            assertEquals(1, loop.faults().count());
        }
    }
}
