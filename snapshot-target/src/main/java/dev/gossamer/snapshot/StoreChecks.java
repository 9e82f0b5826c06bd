package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.snapshot.store.ChunkRemap;
import java.util.Collection;

/** What is wrong with a snapshot that is to be made or opened, before anything is read or written. */
final class StoreChecks {
    private static final int DEFAULT_CHUNK_BYTES = 16 << 10;

    /** dm-snapshot's limit: INT_MAX / 512 sectors, rounded down to a power of two. */
    private static final long MAX_CHUNK_BYTES = (1L << 21) * 512;

    private StoreChecks() {}

    /** Names and devices. */
    static void check(SnapshotSpec spec, BlockDevice store, BlockDevice origin, Collection<CowSnapshot> others)
            throws StorageException {
        if (spec.name().isEmpty()) {
            throw new StorageException(Errno.EINVAL, "a snapshot needs a name");
        }
        if (isSame(store, origin)) {
            throw refused(spec, Errno.EINVAL, "its store is the origin itself; give it another device");
        }
        for (CowSnapshot other : others) {
            if (other.name().equals(spec.name())) {
                throw refused(
                        spec, Errno.EEXIST, "there is a snapshot of this name; choose another, or delete that one");
            }
            if (isSame(store, other.storeDevice())) {
                throw refused(
                        spec,
                        Errno.EBUSY,
                        "its store is in use by snapshot " + other.name() + "; give it another device");
            }
        }
        if (store.geometry().readOnly()) {
            throw refused(spec, Errno.EROFS, "its store device is read-only; open it for writing");
        }
        checkEnd(spec, store, origin);
        checkFeatures(spec);
    }

    /**
     * A store that is loaded is the one that was recorded (rule S-L6). One that tells nothing but its size is known by
     * its id, if it has one, and may have grown then.
     */
    static void checkStoreDevice(SnapshotSpec spec, BlockDevice store) throws StorageException {
        StorageIdentity expected = spec.expected().device();
        StorageIdentity found = StorageIdentity.of(store);
        if (expected == null || expected.admits(found)) {
            return;
        }
        boolean hasId = spec.expected().storeId() != null && expected.name().isEmpty();
        if (!hasId || found.sizeBytes() < expected.sizeBytes()) {
            throw refused(
                    spec,
                    Errno.EINVAL,
                    store + " is not the device that its store was (" + expected + ") but another (" + found + ")");
        }
    }

    /**
     * The origin's last chunk may be a part of one, and is copied to the store and back as it is: it must be whole
     * sectors of both (rule S-L1). Else the first write there would cost the snapshot.
     */
    private static void checkEnd(SnapshotSpec spec, BlockDevice store, BlockDevice origin) throws StorageException {
        int sectorBytes = store.geometry().alignmentBytes();
        if (origin.sizeBytes() % sectorBytes != 0) {
            throw refused(
                    spec,
                    Errno.EINVAL,
                    "the origin has " + origin.sizeBytes() + " bytes, and its end cannot be kept in sectors of "
                            + sectorBytes + " bytes, which its store has; use a store of smaller sectors, or a volume"
                            + " of the pool");
        }
    }

    static void checkFeatures(SnapshotSpec spec) throws StorageException {
        if (spec.discards().passdownOrigin() && !spec.discards().zeroesCow()) {
            throw refused(spec, Errno.EINVAL, "discard_passdown_origin needs discard_zeroes_cow; give both or none");
        }
    }

    /** The chunk size of a new snapshot (rule S-L1), in bytes. */
    static int chunkBytes(SnapshotSpec spec, BlockDevice store, BlockDevice origin) throws StorageException {
        int least = leastChunkBytes(store, origin);
        long chunk = spec.chunkBytes();
        if (chunk == 0) {
            if (spec.type() == StoreType.TRANSIENT) {
                throw refused(spec, Errno.EINVAL, "a transient snapshot needs a chunk size; 16 KiB is usual");
            }
            return Math.max(DEFAULT_CHUNK_BYTES, least);
        }
        if (chunk < least || chunk > MAX_CHUNK_BYTES || Long.bitCount(chunk) != 1) {
            throw refused(
                    spec,
                    Errno.EINVAL,
                    "chunks of " + chunk + " bytes are impossible; the size must be a power of two between " + least
                            + " and " + MAX_CHUNK_BYTES);
        }
        return (int) chunk;
    }

    static int leastChunkBytes(BlockDevice store, BlockDevice origin) {
        int sectors =
                Math.max(store.geometry().alignmentBytes(), origin.geometry().alignmentBytes());
        return Math.max(512, sectors);
    }

    /** A new store must have room for its tables and one chunk, and the table in memory for all of the origin's. */
    static void checkSize(SnapshotSpec spec, BlockDevice store, BlockDevice origin, int chunkBytes)
            throws StorageException {
        if (Math.ceilDiv(origin.sizeBytes(), (long) chunkBytes) > ChunkRemap.MAX_CHUNKS) {
            throw refused(
                    spec,
                    Errno.EINVAL,
                    "the origin has " + origin.sizeBytes() + " bytes, too many for chunks of " + chunkBytes
                            + " bytes; choose larger ones");
        }
        long least = spec.type() == StoreType.TRANSIENT ? chunkBytes : 3L * chunkBytes;
        if (store.sizeBytes() < least) {
            throw refused(
                    spec,
                    Errno.ENOSPC,
                    "its store device has " + store.sizeBytes() + " bytes; with chunks of " + chunkBytes
                            + " bytes it needs at least " + least);
        }
    }

    /** Of a snapshot. What lies behind it on its origin is not in it (rule S-L7). */
    static long sizeBytes(SnapshotSpec spec, BlockDevice origin) throws StorageException {
        if (spec.sizeBytes() > origin.sizeBytes()) {
            throw refused(
                    spec,
                    Errno.EINVAL,
                    "its origin has " + origin.sizeBytes() + " bytes, and had " + spec.sizeBytes()
                            + "; give it its full size again");
        }
        return spec.sizeBytes() == 0 ? origin.sizeBytes() : spec.sizeBytes();
    }

    static StorageException refused(SnapshotSpec spec, int errno, String why) {
        return new StorageException(errno, "snapshot " + spec.name() + ": " + why);
    }

    private static boolean isSame(BlockDevice one, BlockDevice other) {
        return one.equals(other)
                || (one instanceof PosixDevice a
                        && other instanceof PosixDevice b
                        && a.identity().equals(b.identity()));
    }
}
