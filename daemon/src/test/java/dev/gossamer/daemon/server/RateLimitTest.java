package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Clients over real sockets whose volume has a rate. What has been used up at first is back after two minutes, so no
 * test waits for it; exactness is {@link dev.gossamer.io.rate.RateGate}'s own test.
 */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class RateLimitTest extends ServerFixture {
    @BeforeEach
    void serveTwoLoops() throws IOException {
        serve(2, ConnectionLimits.DEFAULT, BUFFER_BYTES);
    }

    /** One client has had all that there is for two minutes: many zeros, which have to be written. */
    private void useUp(NbdTestClient client) throws IOException {
        rates.set(new IoRates(0, 0, 0, 64 << 10, 0, 0, 0));
        client.request(NbdCommand.WRITE_ZEROES, NbdFlags.CMD_NO_HOLE, 0, 0, DISK_BYTES);
        assertEquals(NbdError.OK, client.reply(0).error());
    }

    private void awaitWaiting(int clients) {
        while (rates.waits().waiting() != clients) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Test
    void whoComesLaterWaitsOnWhateverLoopAndGoesOnWhenTheRateIsTakenOff() throws IOException {
        try (NbdTestClient first = connect();
                NbdTestClient second = connect();
                NbdTestClient third = connect()) {
            useUp(first);
            int submitted = device.submitted();
            for (NbdTestClient client : new NbdTestClient[] {first, second, third}) {
                for (long cookie = 0; cookie < 100; cookie++) {
                    client.read(cookie, cookie * 4096, 4096);
                }
            }
            awaitWaiting(3);
            assertEquals(submitted, device.submitted(), "one command of each is read, and not begun");
            rates.set(IoRates.NONE);
            for (NbdTestClient client : new NbdTestClient[] {first, second, third}) {
                for (int i = 0; i < 100; i++) {
                    assertEquals(NbdError.OK, client.reply(4096).error());
                }
            }
        }
    }

    @Test
    void aFlushIsNotCountedAndStaysBehindWhatWasSentBefore() throws IOException {
        try (NbdTestClient first = connect();
                NbdTestClient second = connect()) {
            useUp(first);
            second.read(1, 0, 4096);
            awaitWaiting(1);
            second.request(NbdCommand.FLUSH, 0, 2, 0, 0);
            first.request(NbdCommand.FLUSH, 0, 3, 0, 0);
            assertEquals(3, acknowledged(first).cookie());
            first.request(NbdCommand.TRIM, 0, 4, 0, 4096);
            assertEquals(4, acknowledged(first).cookie(), "bytes are limited, and it moves none");
            rates.set(IoRates.NONE);
            assertEquals(1, second.reply(4096).cookie());
            assertEquals(2, acknowledged(second).cookie());
        }
    }

    @Test
    void whatWaitsIsRefusedWhenTheExportIsTakenAway() throws IOException {
        try (NbdTestClient first = connect();
                NbdTestClient second = connect()) {
            useUp(first);
            second.read(1, 0, 4096);
            awaitWaiting(1);
            CompletableFuture<Integer> change =
                    server.disconnectAll(OneExport.NAME, () -> CompletableFuture.completedFuture(1));
            assertEquals(NbdError.ESHUTDOWN, acknowledged(second).error());
            assertTrue(second.atEnd());
            assertEquals(1, change.join());
            assertEquals(0, rates.waits().waiting());
        }
    }

    @Test
    void aGoodbyeBehindWhatWaitsIsSaidAfterIt() throws IOException {
        try (NbdTestClient first = connect();
                NbdTestClient second = connect()) {
            useUp(first);
            second.read(1, 0, 4096);
            awaitWaiting(1);
            second.disconnect();
            rates.set(IoRates.NONE);
            assertEquals(1, second.reply(4096).cookie());
            assertTrue(second.atEnd());
        }
    }

    @Test
    void whoIsDroppedLeavesTheLine() throws IOException {
        try (NbdTestClient first = connect();
                NbdTestClient second = connect();
                NbdTestClient third = connect()) {
            useUp(first);
            second.read(1, 0, 1 << 20);
            awaitWaiting(1);
            third.read(2, 0, 4096);
            awaitWaiting(2);
            server.stop(0);
            awaitWaiting(0);
        }
    }
}
