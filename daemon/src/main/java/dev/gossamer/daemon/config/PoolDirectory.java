package dev.gossamer.daemon.config;

import java.nio.file.Path;

/**
 * The directory by which a pool is known: its configuration, its sockets while it is served, and the two devices if
 * they are files of its own.
 *
 * @param path absolute
 */
public record PoolDirectory(Path path) {
    public PoolDirectory {
        path = path.toAbsolutePath().normalize();
    }

    public Path config() {
        return path.resolve("pool.yaml");
    }

    /** Who may connect; may be absent. */
    public Path clients() {
        return path.resolve("clients.yaml");
    }

    /** Origins and classic snapshots; absent if there are none. */
    public Path cow() {
        return path.resolve("cow.yaml");
    }

    /** Which jobs are under way; absent before the first. */
    public Path jobs() {
        return path.resolve("jobs.json");
    }

    public Path nbdSocket() {
        return path.resolve("nbd.sock");
    }

    public Path adminSocket() {
        return path.resolve("admin.sock");
    }

    /** A path of the configuration: absolute, or relative to the directory. */
    public Path resolve(String device) {
        return path.resolve(device).normalize();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
