package dev.gossamer.daemon.cow;

import dev.gossamer.io.StorageException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@code cow.yaml} says, and the only one who changes it. Has a lock of its own and waits for the file alone: a
 * snapshot that is lost is recorded while the service waits for a worker. Blocks; not on a loop.
 */
final class CowRecord {
    private static final Logger LOG = LoggerFactory.getLogger(CowRecord.class);

    private final Writer writer;
    private CowConfig config;
    // The file may say something else than the configuration.
    private boolean inDoubt;
    private boolean isTold;
    private boolean isAskedFor;
    private Runnable whenInDoubt = () -> {};

    CowRecord(Path file) throws StorageException {
        this(CowConfigFile.read(file), changed -> CowConfigFile.write(file, changed));
    }

    CowRecord(CowConfig config, Writer writer) {
        this.config = config;
        this.writer = writer;
    }

    /** Makes the record say this, durably; if it fails it says what it said. */
    @FunctionalInterface
    interface Writer {
        void write(CowConfig changed) throws StorageException;
    }

    /** @param task has {@link #settle} called some time later, on a thread that may wait */
    synchronized void setWhenInDoubt(Runnable task) {
        whenInDoubt = task;
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

    /**
     * Records a change, durably, and then lets the export know it. If this fails nothing has changed. Of an origin that
     * is recorded no more there is nothing to change: what comes late must not bring it back.
     */
    synchronized void change(OriginExport origin, Change change) throws StorageException {
        if (!origin.config().equals(config.origin(origin.config().name()))) {
            return;
        }
        CowConfig.Origin changed = change.of(origin.config());
        write(config.with(changed));
        origin.setConfig(changed);
    }

    private void write(CowConfig changed) throws StorageException {
        try {
            writer.write(changed);
        } catch (StorageException | RuntimeException | Error e) {
            inDoubt = true;
            sayAgain(); // now: a daemon that dies next must not carry out what it has refused
            throw e;
        }
        config = changed;
        isCertain();
    }

    /** What could not be written may be there all the same: says again what holds, unless that is known to be there. */
    synchronized void settle() {
        isAskedFor = false;
        if (inDoubt) {
            sayAgain();
        }
    }

    private void sayAgain() {
        try {
            writer.write(config);
            isCertain();
        } catch (StorageException e) {
            tell(e);
        }
    }

    private void isCertain() {
        inDoubt = false;
        isTold = false;
    }

    /** Whether the file may say something else than what holds. */
    synchronized boolean isInDoubt() {
        return inDoubt;
    }

    private void tell(StorageException why) {
        if (!isTold) {
            isTold = true;
            LOG.warn("what was refused may be recorded all the same, until this can be written: {}", why.getMessage());
        }
        if (!isAskedFor) {
            isAskedFor = true;
            whenInDoubt.run();
        }
    }
}
