package dev.gossamer.io.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.FileThreads;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.ThreadFileEngine;
import dev.gossamer.io.sim.LoopDriver;
import io.netty.channel.uring.IoUring;
import org.junit.jupiter.api.Nested;

/** Every engine against the device contract. */
class FileDeviceContractTest {

    /** On Netty loops; the second one, so that nothing is right by accident of being first. */
    abstract static class OnNetty extends FileDeviceContract {
        private IoLoops loops;

        abstract IoEngineChoice choice();

        @Override
        protected LoopDriver startLoop() throws Exception {
            loops = IoLoops.start(2, choice(), BUFFER_BYTES);
            return LoopDriver.ofThread(loops.loop(1));
        }

        @Override
        protected void stopLoop() {
            loops.close();
        }
    }

    @Nested
    class OnTheRing extends OnNetty {
        @Override
        IoEngineChoice choice() {
            assumeTrue(IoUring.isAvailable(), "io_uring is not allowed here");
            return IoEngineChoice.RING;
        }
    }

    @Nested
    class OnTheRingBuffered extends OnNetty {
        @Override
        IoEngineChoice choice() {
            assumeTrue(IoUring.isAvailable(), "io_uring is not allowed here");
            return IoEngineChoice.RING;
        }

        @Override
        boolean buffered() {
            return true;
        }
    }

    @Nested
    class OnThreads extends OnNetty {
        @Override
        IoEngineChoice choice() {
            return IoEngineChoice.THREADS;
        }
    }

    @Nested
    class OnAWorkersLoop extends FileDeviceContract {
        private IoLoops loops;

        @Override
        protected LoopDriver startLoop() throws Exception {
            loops = IoLoops.start(1, IoEngineChoice.AUTO, 1 << 20);
            NettyLoop worker = loops.startWorker("gossamer-worker-0", BUFFER_BYTES);
            assertEquals(1, worker.index());
            return LoopDriver.ofThread(worker);
        }

        @Override
        protected void stopLoop() {
            loops.close();
        }
    }

    @Nested
    class Inline extends FileDeviceContract {
        private final IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES);

        @Override
        protected LoopDriver startLoop() {
            return LoopDriver.of(new InlineLoop(new InlineFileEngine(), buffers));
        }

        @Override
        protected void stopLoop() {
            buffers.close();
        }
    }

    @Nested
    class ThreadsUnderAnInlineLoop extends FileDeviceContract {
        private final IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES);
        private final FileThreads threads = new FileThreads(FileThreads.FOR_ALL_IO);

        @Override
        protected LoopDriver startLoop() {
            return LoopDriver.of(new InlineLoop(new ThreadFileEngine(threads), buffers));
        }

        @Override
        protected void stopLoop() {
            buffers.close();
            threads.close();
        }
    }
}
