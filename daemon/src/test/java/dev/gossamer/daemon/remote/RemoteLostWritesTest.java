package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A server that says once that a flush has failed: whoever asked for it, no later FLUSH succeeds (T27). */
class RemoteLostWritesTest extends OneServerTest {
    private final AtomicInteger failing = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private NbdClientDevice device;
    private TestIo first;
    private TestIo second;

    @BeforeEach
    void open() throws Exception {
        server.setRule((command, flags, offset, length) -> {
            if (command == NbdCommand.FLUSH && failing.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
                failed.incrementAndGet();
                return NbdError.EIO;
            }
            return NbdError.OK;
        });
        device = rig.open(server.uri(), RemoteRig.PATIENT);
        first = rig.io(device, 0);
        second = rig.io(device, 1);
    }

    private static byte[] filled(int value) {
        return filled(4096, value);
    }

    private static int flush(TestIo io) throws Exception {
        return io.run(Io.command(BlockOperation.FLUSH, 0, 0, 0));
    }

    private void noFlushSucceedsAndTheRestGoesOn() throws Exception {
        int asked = server.flushes();
        assertEquals(Errno.EIO, flush(first));
        assertEquals(Errno.EIO, flush(second));
        assertEquals(asked, server.flushes(), "the server is not asked again");
        assertTrue(device.health().isFailed());
        first.write(8192, filled(3));
        assertArrayEquals(filled(3), second.read(8192, 4096));
        assertEquals(Errno.OK, first.run(Io.write(0, filled(4), BlockRequest.FUA)), "it speaks for itself");
    }

    private void waitUntilAFlushHasFailed() throws Exception {
        while (failed.get() == 0) {
            Thread.sleep(10);
        }
    }

    @Test
    void aClientsFlush() throws Exception {
        first.write(0, filled(1));
        failing.set(1);
        assertEquals(Errno.EIO, flush(first));
        noFlushSucceedsAndTheRestGoesOn();
    }

    @Test
    void theDevicesOwnFlushOfWhatItKeeps() throws Exception {
        failing.set(1);
        first.write(0, filled(1));
        waitUntilAFlushHasFailed();
        noFlushSucceedsAndTheRestGoesOn();
    }

    @Test
    void theFlushThatLetsAnotherLoopsConnectionIn() throws Exception {
        failing.set(1);
        second.write(0, filled(1));
        waitUntilAFlushHasFailed();
        noFlushSucceedsAndTheRestGoesOn();
    }

    @Test
    void aWriteThroughThatFails() throws Exception {
        first.write(0, filled(1));
        server.setRule((command, flags, offset, length) ->
                (flags & NbdFlags.CMD_FUA) != 0 && failed.getAndIncrement() == 0 ? NbdError.EIO : NbdError.OK);
        assertEquals(Errno.EIO, first.run(Io.write(4096, filled(2), BlockRequest.FUA)));
        noFlushSucceedsAndTheRestGoesOn();
    }

    @Test
    void openedAgainItIsAsGoodAsAny() throws Exception {
        failing.set(1);
        assertEquals(Errno.EIO, flush(first));
        TestIo again = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        again.write(0, filled(5));
        assertEquals(Errno.OK, flush(again));
        assertEquals(5, server.stable()[0]);
    }
}
