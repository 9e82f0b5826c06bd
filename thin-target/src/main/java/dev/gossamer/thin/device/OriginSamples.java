package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * What is read of an origin to recognize it: pieces spread evenly from the first to the last, enough to tell images
 * apart, little to wait for. Who reads them, and whether that waits, is the caller's business. Used once, by one
 * thread.
 */
final class OriginSamples {
    static final int BYTES = 4096;
    private static final int COUNT = 16;

    private final String location;
    private final long sizeBytes;
    private final CRC32C crc = new CRC32C();
    private int next;

    /** @throws StorageException if the device cannot be an origin at all */
    OriginSamples(String location, BlockDevice device) throws StorageException {
        int nameBytes = location.getBytes(StandardCharsets.UTF_8).length;
        if (nameBytes > ExternalOrigin.MAX_LOCATION_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    location + ": a name of " + nameBytes + " bytes is too long for an origin; use one of up to "
                            + ExternalOrigin.MAX_LOCATION_BYTES + ", for example a symbolic link");
        }
        int alignment = device.geometry().alignmentBytes();
        if (alignment > BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    location + ": wants requests of " + alignment + " bytes; an origin must take " + BYTES);
        }
        this.location = location;
        this.sizeBytes = device.geometry().sizeBytes();
    }

    boolean isComplete() {
        return next == COUNT || sizeBytes == 0;
    }

    /** Where the next piece lies. */
    long offsetBytes() {
        long last = Math.max(0, sizeBytes - BYTES) / BYTES;
        return last * next / (COUNT - 1) * BYTES;
    }

    /** As long as a piece, or less at the end of a device that is smaller. */
    int lengthBytes() {
        return (int) Math.min(BYTES, sizeBytes - offsetBytes());
    }

    /** The next piece has been read to the beginning of this buffer. */
    void take(IoBuffer buffer) {
        crc.update(buffer.bytes().slice(0, lengthBytes()));
        next++;
    }

    /** What they say, when they are complete. */
    ExternalOrigin record() {
        return new ExternalOrigin(location, sizeBytes, (int) crc.getValue());
    }
}
