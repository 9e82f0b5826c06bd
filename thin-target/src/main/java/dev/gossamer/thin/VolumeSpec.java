package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.nio.charset.StandardCharsets;

/**
 * What a new volume shall be: checked, so that the pool need not ask again.
 *
 * @param name see {@link #checkName}
 * @param sizeBytes a multiple of 512, as disks have them: mirrors and live moves of disks need equal sizes
 * @param limits what it may take of the pool's space
 */
public record VolumeSpec(String name, long sizeBytes, VolumeLimits limits) {
    /** A volume without limits. */
    public VolumeSpec(String name, long sizeBytes) {
        this(name, sizeBytes, VolumeLimits.NONE);
    }

    /** What the catalog has room for. */
    public static final int MAX_NAME_BYTES = 128;

    /** Volume sizes are multiples of this. */
    public static final int SIZE_STEP_BYTES = 512;

    /** The format's limit: 2^40 data blocks of at least 64 KiB would be more than any offset; stay inside a long. */
    public static final long MAX_SIZE_BYTES = 1L << 56;

    /** Throws EINVAL with the rule if this is no name for a volume: it must work as an NBD export name and in a URI. */
    public static void checkName(String name) throws StorageException {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > MAX_NAME_BYTES) {
            throw new StorageException(
                    Errno.EINVAL, "volume name has " + length + " bytes; use 1 to " + MAX_NAME_BYTES);
        }
        boolean printable = name.codePoints()
                .allMatch(
                        c -> Character.isLetterOrDigit(c) || c == '-' || c == '_' || c == '.' || c == '+' || c == '@');
        if (!printable || name.startsWith("-") || name.startsWith(".")) {
            throw new StorageException(
                    Errno.EINVAL,
                    "volume name '" + printable(name)
                            + "' is not usable; use letters, digits and - _ . + @, not starting with - or .");
        }
    }

    /** Throws EINVAL with the rule if this is no size for a volume. */
    public static void checkSize(long sizeBytes) throws StorageException {
        if (sizeBytes < SIZE_STEP_BYTES || sizeBytes % SIZE_STEP_BYTES != 0 || sizeBytes > MAX_SIZE_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    "volume size " + sizeBytes + " is not usable; use a multiple of " + SIZE_STEP_BYTES + " up to 64P");
        }
    }

    /** Whether a volume that exists can have this size: other programs' need not be multiples of ours. */
    public static boolean isPossibleSize(long sizeBytes) {
        return sizeBytes >= 0 && sizeBytes <= MAX_SIZE_BYTES;
    }

    private static String printable(String name) {
        StringBuilder text = new StringBuilder();
        name.codePoints().limit(80).forEach(c -> text.appendCodePoint(Character.isISOControl(c) ? '?' : c));
        return text.toString();
    }
}
