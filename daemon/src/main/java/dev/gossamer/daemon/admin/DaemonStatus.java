package dev.gossamer.daemon.admin;

import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolStatus;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * The daemon's condition at one moment.
 *
 * @param poolDirectory absolute
 * @param version of the program
 * @param engine how data reaches the disks: {@code io_uring} or {@code threads}
 * @param listen where NBD clients connect, as URIs
 * @param connections NBD connections in transmission
 * @param events what happened to the pool lately, oldest first
 */
public record DaemonStatus(
        Path poolDirectory,
        String version,
        String engine,
        List<String> listen,
        Instant startedAt,
        int connections,
        PoolStatus pool,
        List<PoolEvent> events) {
    public DaemonStatus {
        listen = List.copyOf(listen);
        events = List.copyOf(events);
    }
}
