package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.ThinPool;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A client that gives up on a connection and writes again on another, on a disk that takes its time (NBD T51a, A42a).
 */
@Timeout(60)
class StaleTwinTest {
    private static final int BLOCK = 64 << 10;
    private static final int BUFFER_BYTES = 16 << 20;

    @TempDir
    private Path directory;

    private final MemoryDevice data = new MemoryDevice(64 * BLOCK);
    private final IoBufferPool inlineBuffers = new IoBufferPool(1 << 23);
    private IoLoops loops;
    private ThinPool pool;
    private NbdServer server;
    private Path socket;

    @BeforeEach
    void serve() throws Exception {
        MemoryDevice metadata = new MemoryDevice(4 << 20);
        InlineLoop inline = new InlineLoop(new InlineFileEngine(), inlineBuffers);
        ThinPool.format(metadata, data, BLOCK, inline);
        loops = IoLoops.start(2, IoEngineChoice.AUTO, BUFFER_BYTES);
        List<IoLoop> ioLoops = List.of(loops.loop(0), loops.loop(1));
        IoLoop worker = loops.startWorker("worker", BUFFER_BYTES);
        pool = ThinPool.open(metadata, data, inline, worker, ioLoops, PoolOptions.DEFAULT, location -> {
            throw new AssertionError("no volume has an origin");
        });
        ThinPool.join(pool.createVolume(new VolumeSpec("v", 32L * BLOCK)));
        server = new NbdServer(loops, new VolumeExports(pool, BLOCK), ConnectionLimits.DEFAULT, TlsSettings.OFF);
        socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
    }

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        data.releaseAll();
        server.stop(10_000);
        ThinPool.join(pool.close());
        loops.close();
        inlineBuffers.close();
    }

    @Test
    void aWriteWhoseConnectionIsGoneIsNotAppliedAfterWhatItsClientWroteNextA42a() throws Exception {
        byte[] old = filled('o');
        byte[] next = filled('n');
        try (NbdTestClient second = new NbdTestClient(socket, "v")) {
            second.write(1, 0, new byte[BLOCK]);
            assertEquals(NbdError.OK, second.reply(0).error());
            second.request(NbdCommand.FLUSH, 0, 2, 0, 0);
            assertEquals(NbdError.OK, second.reply(0).error());
            data.hold();
            int before = data.submitted();
            try (NbdTestClient first = new NbdTestClient(socket, "v")) {
                first.write(3, 4096, old);
                data.awaitSubmitted(before + 1);
            }
            second.write(4, 4096, next);
            second.write(5, 4096 + 512, Arrays.copyOf(next, 512));
            // Needs no disk, so its reply tells that the commands before it have been executed.
            second.read(6, 31L * BLOCK, 512);
            assertEquals(6, second.reply(512).cookie());
            assertEquals(1, data.held(), "at the disk before the older write is done");
            data.releaseAll();
            assertEquals(NbdError.OK, second.reply(0).error());
            assertEquals(NbdError.OK, second.reply(0).error());
            second.read(7, 4096, next.length);
            assertArrayEquals(next, second.reply(next.length).data().array());
        }
    }

    private static byte[] filled(char c) {
        byte[] bytes = new byte[8192];
        Arrays.fill(bytes, (byte) c);
        return bytes;
    }
}
