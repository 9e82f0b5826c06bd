package dev.gossamer.daemon.cow;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.VolumeSpec;

/**
 * The name of an export: {@code ORIGIN} or {@code ORIGIN@SNAPSHOT}.
 *
 * @param snapshot null for the origin itself
 */
public record CowName(String origin, String snapshot) {
    private static final char SEPARATOR = '@';

    /** Throws EINVAL with the rule if this is no name for an origin or a snapshot. */
    public static CowName parse(String text) throws StorageException {
        try {
            VolumeSpec.checkName(text);
        } catch (StorageException e) {
            throw new StorageException(Errno.EINVAL, "exports are named like volumes: " + e.getMessage(), e);
        }
        int at = text.indexOf(SEPARATOR);
        if (at == 0 || at == text.length() - 1 || at != text.lastIndexOf(SEPARATOR)) {
            throw new StorageException(
                    Errno.EINVAL, "'" + text + "' is not usable; an origin is called NAME, a snapshot of it NAME@SNAP");
        }
        return at < 0 ? new CowName(text, null) : new CowName(text.substring(0, at), text.substring(at + 1));
    }

    boolean isSnapshot() {
        return snapshot != null;
    }

    @Override
    public String toString() {
        return isSnapshot() ? of(origin, snapshot) : origin;
    }

    static String of(String origin, String snapshot) {
        return origin + SEPARATOR + snapshot;
    }
}
