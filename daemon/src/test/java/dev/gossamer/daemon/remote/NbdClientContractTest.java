package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.sim.BlockDeviceContract;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdFlags;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The contract of a block device, over several servers and from every kind of loop (A70). */
class NbdClientContractTest {
    abstract static class Remote extends BlockDeviceContract {
        private static final int BUFFER_BYTES = 16 << 20;

        @TempDir
        Path directory;

        IoLoops loops;
        private AutoCloseable server;

        /** Starts a server of {@link #SIZE_BYTES} zeros on the socket. */
        abstract AutoCloseable serve(Path socket) throws Exception;

        IoEngineChoice engine() {
            return IoEngineChoice.AUTO;
        }

        @Override
        protected LoopDriver startLoop() throws Exception {
            loops = IoLoops.start(2, engine(), BUFFER_BYTES);
            return LoopDriver.ofThread(loops.loop(1));
        }

        @Override
        protected BlockDevice open(boolean readOnly) throws Exception {
            Path socket = directory.resolve("nbd.sock");
            if (server == null) {
                server = serve(socket);
            }
            NbdUri uri = NbdUri.parse("nbd+unix:///?socket=" + socket);
            return NbdClientDevice.open(uri, readOnly, loops, RemoteSettings.DEFAULT);
        }

        @Override
        protected void stopLoop() throws Exception {
            loops.close();
            server.close();
        }
    }

    /** Several connections: the second loop has its own. */
    @Nested
    class OwnServer extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            return new VolatileServer(socket, SIZE_BYTES)
                    .withFlags(VolatileServer.FLAGS | NbdFlags.CAN_MULTI_CONN)
                    .start();
        }
    }

    /** One connection, no FUA, no zeroing, small payloads: everything is made of what is left. */
    @Nested
    class PoorServer extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            return new VolatileServer(socket, SIZE_BYTES)
                    .withFlags(NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH)
                    .withMaximumPayload(65 << 10)
                    .start();
        }
    }

    @Nested
    class NbdkitStructured extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            return ServerProcess.nbdkit(socket, "memory", "" + SIZE_BYTES);
        }

        @Override
        IoEngineChoice engine() {
            return IoEngineChoice.THREADS;
        }
    }

    @Nested
    class NbdkitSimpleReplies extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            return ServerProcess.nbdkit(socket, "--no-sr", "--mask-handshake=0", "memory", "" + SIZE_BYTES);
        }
    }

    /** Requests smaller than 4096 bytes are refused by the server, so the device must not send any (C2). */
    @Nested
    class NbdkitBlockSizePolicy extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            return ServerProcess.nbdkit(
                    socket,
                    "--filter=blocksize-policy",
                    "memory",
                    "" + SIZE_BYTES,
                    "blocksize-minimum=4096",
                    "blocksize-preferred=4096",
                    "blocksize-maximum=1M",
                    "blocksize-error-policy=error");
        }
    }

    @Nested
    class QemuNbd extends Remote {
        @Override
        AutoCloseable serve(Path socket) throws Exception {
            Path disk = directory.resolve("disk");
            try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
                file.setLength(SIZE_BYTES);
            }
            return ServerProcess.qemuNbd(
                    socket, "--format=raw", "--shared=4", "--discard=unmap", "--detect-zeroes=off", disk.toString());
        }
    }

    @Nested
    class FromAWorkersLoop extends OwnServer {
        @Override
        protected LoopDriver startLoop() throws Exception {
            super.startLoop();
            return LoopDriver.ofThread(loops.startWorker("test-worker", 16 << 20));
        }
    }

    @Nested
    class FromAWaitingThread extends OwnServer {
        private final IoBufferPool buffers = new IoBufferPool(16 << 20);

        @Override
        protected LoopDriver startLoop() throws Exception {
            super.startLoop();
            return LoopDriver.of(new InlineLoop(new InlineFileEngine(), buffers));
        }

        @Override
        protected void stopLoop() throws Exception {
            super.stopLoop();
            buffers.close();
        }
    }
}
