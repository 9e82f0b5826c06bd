package dev.gossamer.daemon.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The metadata of a pool has all of its space from the beginning: for want of a data block a write waits, but a commit
 * that finds the file system full costs the pool its transaction (E-1).
 */
public final class MetadataSpace {
    private static final Logger LOG = LoggerFactory.getLogger(MetadataSpace.class);

    private MetadataSpace() {}

    /**
     * Takes the space of a metadata file from its file system. One that cannot do that is named in the log.
     *
     * @throws StorageException ENOSPC if there is not so much; the file's contents are unchanged
     */
    public static void take(BlockDevice metadata) throws StorageException {
        if (!(metadata instanceof PosixDevice file)) {
            return;
        }
        try {
            file.allocate();
        } catch (StorageException e) {
            if (e.errno() != Errno.EOPNOTSUPP) {
                throw new StorageException(
                        e.errno(), e.getMessage() + "; make room there, or put the pool's metadata elsewhere", e);
            }
            LOG.warn("{}; see to it that it never gets full: the pool would become read-only", e.getMessage());
        }
    }

    /**
     * As {@link #take} for a pool that exists: an adopted one may be sparse. It is served all the same.
     *
     * @return null, or why its metadata must not be changed until there is room, and what to do
     */
    public static String whyNotTaken(BlockDevice metadata) {
        try {
            take(metadata);
            return null;
        } catch (StorageException e) {
            LOG.warn("{}; until then mapped blocks alone are written", e.getMessage());
            return e.getMessage() + ", then run: gossamer pool grow --metadata "
                    + metadata.geometry().sizeBytes();
        }
    }
}
