package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.device.DeviceHealth;
import dev.gossamer.io.ring.StalledFiles;
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
 * @param pool its condition, or what was known of it last
 * @param poolAnswers whether it has told its condition just now; else it waits, mostly for a device
 * @param trend where its space is going
 * @param events what happened to the pool lately, oldest first
 * @param devices the remote ones
 * @param stalled files and block devices of this machine that do not answer
 */
public record DaemonStatus(
        Path poolDirectory,
        String version,
        String engine,
        List<String> listen,
        Instant startedAt,
        int connections,
        PoolStatus pool,
        boolean poolAnswers,
        SpaceTrend trend,
        List<PoolEvent> events,
        List<DeviceHealth> devices,
        List<StalledFiles.Stalled> stalled) {
    public DaemonStatus {
        listen = List.copyOf(listen);
        events = List.copyOf(events);
        devices = List.copyOf(devices);
        stalled = List.copyOf(stalled);
    }
}
