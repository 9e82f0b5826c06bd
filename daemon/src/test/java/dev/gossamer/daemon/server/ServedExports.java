package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** A server at a Unix socket of a test's directory, with the loops that it runs on; closed together. */
final class ServedExports implements AutoCloseable {
    private final IoLoops loops;
    private final NbdServer server;
    private final Path socket;

    ServedExports(IoLoops loops, NbdServer server, Path directory) throws IOException {
        this.loops = loops;
        this.server = server;
        socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
    }

    NbdServer server() {
        return server;
    }

    Path socket() {
        return socket;
    }

    /** Listens on loopback, too. */
    InetSocketAddress listenTcp() throws IOException {
        ListenAddress listening =
                server.listen(new ListenAddress.Tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
        return ((ListenAddress.Tcp) listening).address();
    }

    /** On the loops, behind what they have to do at the moment. */
    void assertNothingIsHeld() throws Exception {
        for (int i = 0; i < loops.count(); i++) {
            NettyLoop loop = loops.loop(i);
            loop.eventLoop()
                    .submit(() -> {
                        assertEquals(0, loop.requests().inUse(), "requests in use");
                        assertEquals(0, loop.buffers().usedBytes(), "buffer bytes in use");
                    })
                    .get();
        }
    }

    /** Stops the server, sees that nothing is left over, and ends the loops. */
    void closeEmpty() throws Exception {
        server.stop(10_000);
        assertNothingIsHeld();
        loops.close();
    }

    @Override
    public void close() {
        server.stop(10_000);
        loops.close();
    }
}
