package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdFlags;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What tests of one server with a volatile cache, and of devices on two loops, begin with. */
@Timeout(120)
abstract class OneServerTest {
    static final int SIZE_BYTES = 4 << 20;

    @TempDir
    Path directory;

    VolatileServer server;
    RemoteRig rig;

    @BeforeEach
    void start() throws Exception {
        server = new VolatileServer(directory.resolve("nbd.sock"), SIZE_BYTES)
                .withFlags(VolatileServer.FLAGS | NbdFlags.CAN_MULTI_CONN)
                .start();
        rig = new RemoteRig();
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
        server.close();
    }

    /** The server forgets what was not flushed. */
    void restart() throws Exception {
        restart(() -> {});
    }

    /** @param whileAway changes the server before anybody is let in again */
    void restart(Runnable whileAway) throws Exception {
        VolatileServer restarted = server;
        synchronized (restarted) {
            restarted.crash();
            whileAway.run();
            restarted.start();
        }
    }

    static byte[] filled(int length, int value) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) value);
        return data;
    }
}
