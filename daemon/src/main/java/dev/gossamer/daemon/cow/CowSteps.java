package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Steps that several changes of classic snapshots have in common, and the one lock that all changes share: who has it
 * waits for the record's file, and never for a device. Not on a loop.
 */
final class CowSteps {
    private static final Logger LOG = LoggerFactory.getLogger(CowSteps.class);

    private final CowRecord record;
    private final CowDevices devices;
    // Both concurrent.
    private final Map<String, OriginExport> origins;
    private final Set<String> storeVolumes;
    private boolean closed;

    CowSteps(CowRecord record, CowDevices devices, Map<String, OriginExport> origins, Set<String> storeVolumes) {
        this.record = record;
        this.devices = devices;
        this.origins = origins;
        this.storeVolumes = storeVolumes;
    }

    /** What is looked at, and then entered, as one. */
    @FunctionalInterface
    interface Entry {
        void enter() throws StorageException;
    }

    /** Enters something new among all others, unless the service is closed. */
    synchronized void among(Entry entry) throws StorageException {
        requireOpen();
        entry.enter();
    }

    synchronized void requireOpen() throws StorageException {
        if (closed) {
            throw new StorageException(Errno.ESHUTDOWN, "the daemon is stopping");
        }
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Nothing is changed from now on; changes under way come to their end. */
    synchronized void close() {
        closed = true;
    }

    OriginExport exportOf(CowConfig.Origin origin) {
        return new OriginExport(origin, devices, this::recordLoss);
    }

    /** On a thread that waits for nothing else: writes to the origin wait for it. */
    private void recordLoss(OriginExport origin, String name, String cause) throws StorageException {
        record.change(origin, present -> {
            RecordedSnapshot snapshot = present.snapshot(name);
            return snapshot == null ? present : present.with(snapshot.lost(cause));
        });
    }

    /** Goes from one state to the next, unless the snapshot was lost on the way, which stays. */
    void enter(OriginExport origin, RecordedSnapshot snapshot, State from, State to) throws StorageException {
        record.change(origin, present -> {
            RecordedSnapshot now = present.snapshot(snapshot.name());
            return now.state() == from ? present.with(now.withState(to)) : present;
        });
    }

    /** Stops serving an origin that has no snapshots. */
    void deleteOrigin(OriginExport origin) throws StorageException {
        CowConfig.Origin present = origin.config();
        if (!present.snapshots().isEmpty()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "origin " + present.name() + " has snapshots: "
                            + present.snapshots().stream()
                                    .map(each -> CowName.of(present.name(), each.name()))
                                    .collect(Collectors.joining(", "))
                            + "; delete or merge them first");
        }
        if (!origin.keepClosed()) {
            throw new StorageException(
                    Errno.EBUSY, "origin " + present.name() + " is in use; disconnect its clients and try again");
        }
        try {
            record.remove(present.name());
        } catch (StorageException e) {
            origin.mayBeOpened();
            throw e;
        }
        origins.remove(present.name());
        origin.close();
        LOG.info("no longer serving origin={}", present.name());
    }

    /** The last steps: the store, then the record. */
    void forget(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        devices.eraseStore(snapshot);
        if (snapshot.inPool() && devices.pool().volume(snapshot.store()) != null) {
            devices.deleteStoreVolume(snapshot.store());
        }
        record.change(origin, present -> present.without(snapshot.name()));
        storeVolumes.remove(snapshot.store());
    }
}
