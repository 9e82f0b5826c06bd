package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.nbd.wire.NbdError;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Taking an export away from its clients (NBD T64). */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class DisconnectTest extends ServerFixture {
    /** One request at a time: the next one waits, unanswered, as long as the first is under way. */
    @BeforeEach
    void serve() throws IOException {
        serve(2, new ConnectionLimits(1, 64 << 20, 32 << 20, 60_000), 1 << 20);
    }

    @Test
    void whatIsUnderWayEndsThenTheChangeIsMadeWithNobodyConnected() throws IOException {
        try (NbdTestClient busy = connect();
                NbdTestClient idle = connect()) {
            device.hold();
            busy.write(1, 0, new byte[] {42});
            busy.read(2, 0, 1);
            device.awaitSubmitted(1);

            CompletableFuture<Integer> change =
                    server.disconnectAll(OneExport.NAME, () -> CompletableFuture.completedFuture(device.closed()));

            assertTrue(idle.atEnd());
            NbdTestClient.Reply refused = busy.reply(0);
            assertEquals(2, refused.cookie());
            assertEquals(NbdError.ESHUTDOWN, refused.error());
            assertFalse(change.isDone(), "a write is under way");
            device.releaseAll();
            assertEquals(1, busy.reply(0).cookie());
            assertTrue(busy.atEnd());
            assertEquals(2, change.join(), "devices given back when the change was made");
            assertEquals(0, server.connections().size());
        }
    }

    @Test
    void nobodyGetsInUntilTheChangeIsDone() throws IOException {
        CompletableFuture<String> later = new CompletableFuture<>();
        CompletableFuture<String> change = server.disconnectAll(OneExport.NAME, () -> later);
        try (NbdTestClient early = connect()) {
            assertTrue(early.atEnd(), "admitted while the export is being changed");
        }
        assertEquals(0, server.connections().totals().requests());

        later.completeExceptionally(new IllegalStateException("refused"));
        assertThrows(CompletionException.class, change::join);
        try (NbdTestClient next = connect()) {
            next.read(1, 0, 1);
            assertEquals(1, next.reply(1).cookie());
        }
    }

    @Test
    void clientsOfOtherExportsStay() throws IOException {
        try (NbdTestClient client = connect()) {
            server.disconnectAll("another", () -> CompletableFuture.completedFuture("done"))
                    .join();
            client.read(1, 0, 1);
            assertEquals(1, client.reply(1).cookie());
        }
    }

    @Test
    void aClientThatTakesNoRepliesIsDroppedAfterAWhile() throws IOException {
        try (NbdTestClient stuck = connect()) {
            // Far more than a socket holds; none of it is ever taken.
            for (long cookie = 0; cookie < 64; cookie++) {
                stuck.read(cookie, 0, 1 << 20);
            }
            device.awaitSubmitted(1);
            assertEquals(
                    1,
                    server.disconnectAll(OneExport.NAME, () -> CompletableFuture.completedFuture(device.closed()))
                            .join());
            stuck.takeUntilEnd();
        }
    }
}
