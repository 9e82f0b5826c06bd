package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How long a remote device is waited for, and what one sees meanwhile (OP-2, OP-3). */
class PatienceTest extends OneServerTest {
    private static final RemoteSettings FOR_EVER = RemoteRig.IMPATIENT.withPatience(Duration.ZERO);

    private CompletableFuture<Integer> read(NbdClientDevice device) {
        TestIo io = rig.io(device, 0);
        return CompletableFuture.supplyAsync(() -> {
            try {
                return io.run(TestIo.Io.read(0, 4096));
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void aServerThatIsAwayIsWaitedForAsLongAsItTakes() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), FOR_EVER);
        server.crash();
        CompletableFuture<Integer> read = read(device);
        // Much longer than the others' patience of 1.5 s, and than it takes to be stalled.
        TimeUnit.SECONDS.sleep(6);
        assertFalse(read.isDone(), "gave up");
        awaitStalled(device, true);
        server.start();
        assertEquals(Errno.OK, read.get());
        awaitStalled(device, false);
    }

    @Test
    void whoeverEndsDoesNotWaitForEver() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), FOR_EVER);
        server.crash();
        CompletableFuture<Integer> read = read(device);
        device.limitPatience(Duration.ofMillis(100));
        assertEquals(Errno.EIO, read.get());
    }

    /** Patience is for servers that are away: from one that is silent nothing will come on this connection. */
    @Test
    void aSilentConnectionIsGivenUpForANewOne() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), FOR_EVER);
        AtomicInteger reads = new AtomicInteger();
        server.setRule((command, flags, offset, length) ->
                command == NbdCommand.READ && reads.incrementAndGet() == 1 ? VolatileServer.SILENCE : NbdError.OK);
        assertEquals(Errno.OK, read(device).get());
        assertEquals(2, reads.get());
    }

    @Test
    void theImpatientGiveUp() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.IMPATIENT);
        server.crash();
        assertEquals(Errno.EIO, read(device).get());
        assertEquals(0, device.stalledSeconds());
    }

    private static void awaitStalled(NbdClientDevice device, boolean stalled) throws Exception {
        while (device.stalledSeconds() > 0 != stalled) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        assertTrue(!stalled || device.stalledSeconds() >= 5);
    }
}
