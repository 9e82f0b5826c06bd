package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes origins and snapshots. Names of devices are looked at, and devices are opened, while nobody waits for it; what
 * has come in between is looked at once more when it is entered. Not on a loop.
 */
final class CowCreation {
    private static final Logger LOG = LoggerFactory.getLogger(CowCreation.class);

    private final CowRecord record;
    private final CowDevices devices;
    // Concurrent.
    private final Map<String, OriginExport> origins;
    private final CowNames names;
    private final CowSteps steps;

    CowCreation(
            CowRecord record, CowDevices devices, Map<String, OriginExport> origins, CowNames names, CowSteps steps) {
        this.record = record;
        this.devices = devices;
        this.origins = origins;
        this.names = names;
        this.steps = steps;
    }

    /** Makes what is asked for. @return the origin that was made, or that has one more snapshot */
    OriginExport create(CowRequest request, NamedDevices as) throws StorageException {
        steps.requireOpen();
        CowName name = CowName.parse(request.name());
        OriginExport present = origins.get(name.origin());
        if (name.isSnapshot() && present != null) {
            StoreRequestCheck.requireSameDevice(present, request.origin());
            createSnapshot(present, name, request, as);
            return present;
        }
        OriginExport made = createOrigin(new CowName(name.origin(), null), request.origin(), as);
        boolean done = false;
        try {
            if (name.isSnapshot()) {
                createSnapshot(made, name, request, as);
            }
            done = true;
            return made;
        } finally {
            if (!done) {
                undo(made);
            }
            made.change().end();
        }
    }

    private void undo(OriginExport made) {
        try {
            steps.deleteOrigin(made);
        } catch (StorageException e) {
            LOG.error(
                    "origin={} was not asked for alone, and is left: {}",
                    made.config().name(),
                    e.getMessage());
        }
    }

    /** The caller ends the change of the origin that has begun with it. */
    private OriginExport createOrigin(CowName name, String device, NamedDevices as) throws StorageException {
        names.requireUnused(name.toString());
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT,
                    "there is no origin " + name + "; name its device: gossamer cow create " + name
                            + " --origin PATH-OR-URI");
        }
        StoreRequestCheck.requireFreeOrigin(device, origins.values(), CowDevices::isSame);
        OriginExport origin = steps.exportOf(new CowConfig.Origin(name.origin(), device, "", List.of()));
        origin.change().begin();
        boolean entered = false;
        try {
            origin.open(as);
            origin.setConfig(origin.identified(origin.config()));
            StorageIdentity found = StorageIdentity.of(origin.device());
            steps.among(() -> names.enter(name.toString(), () -> {
                StoreRequestCheck.requireFreeOrigin(device, origins.values(), String::equals);
                StoreRequestCheck.requireUnknown(device, found, origins.values());
                record.add(origin.config());
                origins.put(name.origin(), origin);
            }));
            entered = true;
        } finally {
            if (!entered) {
                try {
                    origin.close();
                } finally {
                    origin.change().end();
                }
            }
        }
        LOG.info("origin={} device={}", name, device);
        return origin;
    }

    private void createSnapshot(OriginExport origin, CowName name, CowRequest request, NamedDevices as)
            throws StorageException {
        origin.requireServed();
        names.requireUnused(name.toString());
        StoreRequestCheck.check(name, request, origins.values(), CowDevices::isSame);
        BlockDevice given = request.store() == null ? null : as.open(request.store(), devices.options());
        RecordedSnapshot snapshot;
        origin.change().begin();
        try {
            snapshot = announced(origin, name, request, given);
            make(origin, snapshot, given, StoreRequestCheck.chunkBytes(request));
        } finally {
            origin.change().end();
        }
        LOG.info("snapshot={} store={}", name, snapshot.store());
    }

    /** Enters it as one that is being made. If that is refused, its store is closed. */
    private RecordedSnapshot announced(OriginExport origin, CowName name, CowRequest request, BlockDevice given)
            throws StorageException {
        boolean done = false;
        try {
            StorageIdentity found = given == null ? null : StorageIdentity.of(given);
            requireStill(origin, name);
            RecordedSnapshot snapshot = RecordedSnapshot.askedFor(
                    name,
                    request,
                    found,
                    CowNames.storeOf(name),
                    origin.device().sizeBytes());
            steps.among(() -> names.enter(name.toString(), () -> {
                StoreRequestCheck.check(name, request, origins.values(), String::equals);
                if (found != null) {
                    StoreRequestCheck.requireUnknown(snapshot.store(), found, origins.values());
                }
                announce(origin, snapshot);
            }));
            done = true;
            return snapshot;
        } finally {
            if (!done && given != null) {
                given.close();
            }
        }
    }

    /** It may have been deleted while its store was opened, or half of it with a merge. */
    private void requireStill(OriginExport origin, CowName name) throws StorageException {
        if (origins.get(name.origin()) != origin) {
            throw new StorageException(
                    Errno.ENOENT, "origin " + name.origin() + " has been deleted meanwhile; create it again");
        }
        origin.requireServed();
    }

    private void announce(OriginExport origin, RecordedSnapshot snapshot) throws StorageException {
        if (snapshot.inPool()) {
            names.reserveStore(snapshot.store());
        }
        try {
            record.change(origin, present -> present.with(snapshot));
        } catch (StorageException e) {
            if (!record.isInDoubt()) { // else the next start may delete whatever has that name
                names.freeStore(snapshot.store());
            }
            throw e;
        }
    }

    private void make(OriginExport origin, RecordedSnapshot snapshot, BlockDevice given, long chunkBytes)
            throws StorageException {
        boolean done = false;
        try {
            origin.create(snapshot, given != null ? given : devices.makeStore(snapshot, chunkBytes), chunkBytes);
            steps.enter(origin, snapshot, State.CREATING, State.ACTIVE);
            done = true;
        } finally {
            if (!done) {
                undo(origin, snapshot);
            }
        }
    }

    /** What this cannot take away, the next start does. */
    private void undo(OriginExport origin, RecordedSnapshot snapshot) {
        try {
            origin.delete(snapshot.name());
            steps.forget(origin, snapshot);
        } catch (StorageException e) {
            LOG.error("snapshot={} was not made, but something is left of it: {}", snapshot.name(), e.getMessage());
        }
    }
}
