package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.PoolDirectory;
import java.io.IOException;
import java.time.Duration;

/**
 * A pool that a daemon serves meanwhile, held still for a tool: its metadata snapshot, which is taken here, and
 * released at the end, unless there was one already.
 */
final class ServedPool implements AutoCloseable {
    private static final String PATH = "/v1/pool/metadata-snapshot";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final AdminClient client;
    private final boolean ours;
    private final Thread atExit = new Thread(this::release, "gossamer-snapshot-release");

    private ServedPool(AdminClient client, boolean ours) {
        this.client = client;
        this.ours = ours;
    }

    /** Asks the daemon of a pool directory for a metadata snapshot. @throws IOException if no daemon answers */
    static ServedPool hold(PoolDirectory directory) throws IOException {
        AdminClient client = new AdminClient(directory.adminSocket(), PATIENCE);
        // Refused where somebody else has one: then that one is looked at, and stays.
        ServedPool held = new ServedPool(client, client.send("POST", PATH, "").isSuccess());
        if (held.ours) {
            // A tool that a signal ends must not leave it there: the pool could not free what it has.
            Runtime.getRuntime().addShutdownHook(held.atExit);
        }
        return held;
    }

    @Override
    public void close() throws IOException {
        if (!ours) {
            return;
        }
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            return; // the program is ending, and it is released
        }
        client.send("DELETE", PATH, "");
    }

    private void release() {
        try {
            client.send("DELETE", PATH, "");
        } catch (IOException e) {
            // There is no daemon any more, or nobody to tell.
        }
    }
}
