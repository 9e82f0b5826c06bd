package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.client.RemoteExport;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What throws when an attempt to connect has ended is not lost in the channel's callback. */
class LinkTasksTest {
    private final AssertionError bug = new AssertionError("a bug");
    private final List<Throwable> broken = new ArrayList<>();

    @Test
    void whatIsThrownAfterAnAttemptBreaksTheSessionAndDropsTheConnection() throws Exception {
        try (RemoteRig rig = new RemoteRig()) {
            NettyLoop loop = rig.loops().loop(0);
            CompletableFuture<Boolean> open = new CompletableFuture<>();
            loop.execute(() -> {
                LinkTasks tasks = new LinkTasks(loop, broken::add);
                RemoteConnector.Outcome outcome = tasks.outcome(
                        connection -> {
                            throw bug;
                        },
                        why -> {
                            throw bug;
                        });
                RemoteConnection connection = new RemoteConnection(
                        new RemoteExport("v", "", 4096, 0, 1, 4096, 32 << 20, false, false, List.of()), loop);
                EmbeddedChannel channel = new EmbeddedChannel(connection);
                outcome.connected(connection);
                outcome.failed("cannot connect");
                open.complete(channel.isOpen());
            });
            assertFalse(open.get(), "the connection is dropped");
            assertEquals(List.of(bug, bug), broken);
        }
    }
}
