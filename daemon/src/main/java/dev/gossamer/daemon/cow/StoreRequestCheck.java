package dev.gossamer.daemon.cow;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.snapshot.StoreType;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.function.BiPredicate;

/** What is wrong with a snapshot that is asked for, before anything is opened or made. */
final class StoreRequestCheck {
    private static final int USUAL_CHUNK_BYTES = 16 << 10;
    private static final int LEAST_CHUNK_BYTES = 512;

    /** dm-snapshot's limit, rounded down to a power of two. */
    private static final long MAX_CHUNK_BYTES = 1L << 30;

    /**
     * Of snapshots, and of origins. Every write of an origin is copied for each of its snapshots, so these are more
     * than anybody has; and the record of all of them, with the longest names, is within what is read of it at a start.
     */
    static final int MAX_RECORDED = 256;

    /** Of a device's path or URI. */
    static final int MAX_NAME_BYTES = 1024;

    private StoreRequestCheck() {}

    /**
     * Whether a device may become an origin, and the record has room for it.
     *
     * @param same whether two names lead to one device
     */
    static void requireFreeOrigin(String device, Collection<OriginExport> origins, BiPredicate<String, String> same)
            throws StorageException {
        requireShort(device);
        for (OriginExport other : origins) {
            if (same.test(device, other.config().device())) {
                throw new StorageException(
                        Errno.EBUSY, device + " is origin " + other.config().name() + " already");
            }
        }
        if (origins.size() >= MAX_RECORDED) {
            throw new StorageException(
                    Errno.ENOSPC, "there are " + origins.size() + " origins, as many as can be; delete one first");
        }
        requireNoStore(device, origins, same);
    }

    private static void requireShort(String device) throws StorageException {
        int bytes = device.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_NAME_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    "a device's name of " + bytes + " bytes is too long; use one of up to " + MAX_NAME_BYTES
                            + ", for example a symbolic link");
        }
    }

    /**
     * Checks chunk size and store against all that is served.
     *
     * @param same as above
     */
    static void check(
            CowName name, CowRequest request, Collection<OriginExport> origins, BiPredicate<String, String> same)
            throws StorageException {
        long chunk = request.chunkBytes();
        if (chunk != 0 && (chunk < LEAST_CHUNK_BYTES || chunk > MAX_CHUNK_BYTES || Long.bitCount(chunk) != 1)) {
            throw new StorageException(
                    Errno.EINVAL,
                    name + ": chunks of " + chunk + " bytes are impossible; use a power of two from 512 to 1G");
        }
        int snapshots = origins.stream()
                .mapToInt(each -> each.config().snapshots().size())
                .sum();
        if (snapshots >= MAX_RECORDED) {
            throw new StorageException(
                    Errno.ENOSPC,
                    name + ": there are " + snapshots + " snapshots, as many as can be; delete or merge one first");
        }
        if (request.store() == null) {
            return;
        }
        requireShort(request.store());
        requireFreeStore(name, request.store(), origins, same);
    }

    private static void requireFreeStore(
            CowName name, String store, Collection<OriginExport> origins, BiPredicate<String, String> same)
            throws StorageException {
        for (OriginExport origin : origins) {
            CowConfig.Origin recorded = origin.config();
            if (same.test(store, recorded.device())) {
                throw new StorageException(
                        Errno.EINVAL,
                        name + ": its store " + store + " is "
                                + (recorded.name().equals(name.origin())
                                        ? "the origin itself"
                                        : "origin " + recorded.name())
                                + "; give it another device, or leave --store away");
            }
            for (RecordedSnapshot other : recorded.snapshots()) {
                if (!other.inPool() && same.test(store, other.store())) {
                    throw new StorageException(
                            Errno.EBUSY,
                            name + ": its store " + store + " is in use by snapshot "
                                    + CowName.of(recorded.name(), other.name()) + "; give it another device");
                }
            }
        }
    }

    /** A store that is recorded keeps a snapshot, whether it is served or not: it cannot become an origin. */
    private static void requireNoStore(
            String device, Collection<OriginExport> origins, BiPredicate<String, String> same) throws StorageException {
        for (OriginExport origin : origins) {
            for (RecordedSnapshot snapshot : origin.config().snapshots()) {
                if (!snapshot.inPool() && same.test(device, snapshot.store())) {
                    throw storeOf(device, CowName.of(origin.config().name(), snapshot.name()));
                }
            }
        }
    }

    /**
     * The same of what was opened: names may lead elsewhere by now than when they were compared, and than when they
     * were recorded. What cannot be told apart from others is for the lock to refuse, while it is in use.
     */
    static void requireUnknown(String location, StorageIdentity found, Collection<OriginExport> origins)
            throws StorageException {
        for (OriginExport origin : origins) {
            CowConfig.Origin recorded = origin.config();
            if (StorageIdentity.parse(recorded.identity()).isSurely(found)) {
                throw new StorageException(
                        Errno.EBUSY,
                        location + " is origin " + recorded.name() + ", by another name; give another device");
            }
            for (RecordedSnapshot snapshot : recorded.snapshots()) {
                if (StorageIdentity.parse(snapshot.identity()).isSurely(found)) {
                    throw storeOf(location, CowName.of(recorded.name(), snapshot.name()));
                }
            }
        }
    }

    private static StorageException storeOf(String device, String export) {
        return new StorageException(
                Errno.EBUSY,
                device + " is the store of snapshot " + export + "; name another device, or first: gossamer cow delete "
                        + export);
    }

    /** An origin that is there is not another device; null: the device was not named. */
    static void requireSameDevice(OriginExport origin, String device) throws StorageException {
        String present = origin.config().device();
        if (device != null && !CowDevices.isSame(device, present)) {
            throw new StorageException(
                    Errno.EEXIST,
                    "origin " + origin.config().name() + " is " + present + ", not " + device
                            + "; leave --origin away, or use another name");
        }
    }

    /** Only persistent stores have a usual size of their own. */
    static long chunkBytes(CowRequest request) {
        return request.chunkBytes() == 0 && request.type() == StoreType.TRANSIENT
                ? USUAL_CHUNK_BYTES
                : request.chunkBytes();
    }
}
