package dev.gossamer.daemon.cow;

import dev.gossamer.io.StorageException;
import java.nio.file.Path;

/**
 * What {@code cow.yaml} says, and the only one who changes it. Has a lock of its own and waits for the file alone: a
 * snapshot that is lost is recorded while the service waits for a worker. Blocks; not on a loop.
 */
final class CowRecord {
    private final Path file;
    private CowConfig config;

    CowRecord(Path file) throws StorageException {
        this.file = file;
        this.config = CowConfigFile.read(file);
    }

    /** A change to an origin, from what is recorded when it is made; may refuse. */
    @FunctionalInterface
    interface Change {
        CowConfig.Origin of(CowConfig.Origin present) throws StorageException;
    }

    synchronized CowConfig config() {
        return config;
    }

    synchronized void add(CowConfig.Origin origin) throws StorageException {
        write(config.with(origin));
    }

    synchronized void remove(String origin) throws StorageException {
        write(config.without(origin));
    }

    /** Records a change, durably, and then lets the export know it. If this fails nothing has changed. */
    synchronized void change(OriginExport origin, Change change) throws StorageException {
        CowConfig.Origin changed = change.of(origin.config());
        write(config.with(changed));
        origin.setConfig(changed);
    }

    private void write(CowConfig changed) throws StorageException {
        CowConfigFile.write(file, changed);
        config = changed;
    }
}
