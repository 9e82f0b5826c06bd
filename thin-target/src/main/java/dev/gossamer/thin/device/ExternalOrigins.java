package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The external origins of a pool's volumes: each is open once, however many volumes and snapshots are over it. Worker's
 * thread; waits for its I/O.
 *
 * <p>An origin must never change. Its size and a checksum of samples are recorded when a volume is made over it
 * and compared when the pool is opened: that finds another image in its place, and an image that has grown; it cannot
 * find every change.
 */
public final class ExternalOrigins {
    private static final Logger LOG = LoggerFactory.getLogger(ExternalOrigins.class);

    /** Read at open, spread evenly from the first to the last: enough to tell images apart, little to wait for. */
    private static final int SAMPLES = 16;

    private static final int SAMPLE_BYTES = 4096;

    private final OriginOpener opener;
    private final InlineLoop inline;
    private final Map<String, OriginImage> open = new HashMap<>();

    public ExternalOrigins(OriginOpener opener, InlineLoop inline) {
        this.opener = opener;
        this.inline = inline;
    }

    /** The origin that a volume's slot names, opened and compared if it is not open yet; null if it names none. */
    public OriginImage of(CatalogSlot slot) {
        ExternalOrigin record = slot == null ? null : slot.externalOrigin();
        if (record == null) {
            return null;
        }
        OriginImage known = open.get(record.location());
        if (known != null && known.record().equals(record)) {
            return known;
        }
        if (known != null) {
            // The same name stood for another image when the other volume was made: one of the two is wrong.
            return failed(record, slot.name(), changed(record));
        }
        try {
            OriginImage image = verified(record);
            open.put(record.location(), image);
            return image;
        } catch (StorageException e) {
            return failed(record, slot.name(), e.getMessage());
        }
    }

    /**
     * Takes an open device as the origin of a new volume.
     *
     * @throws StorageException if it cannot be one; the caller closes it then
     */
    public OriginImage add(String location, BlockDevice device) throws StorageException {
        int bytes = location.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > ExternalOrigin.MAX_LOCATION_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    location + ": a name of " + bytes + " bytes is too long for an origin; use one of up to "
                            + ExternalOrigin.MAX_LOCATION_BYTES + ", for example a symbolic link");
        }
        ExternalOrigin record;
        try {
            record = examine(location, device);
        } catch (StorageException e) {
            // Not EIO, which would say that the pool's own metadata has failed.
            throw new StorageException(Errno.ENODEV, e.getMessage(), e);
        }
        OriginImage known = open.get(location);
        if (known != null && !known.record().equals(record)) {
            throw new StorageException(Errno.EINVAL, changed(known.record()));
        }
        OriginImage image = known == null ? OriginImage.of(record, device) : known;
        if (known == null) {
            open.put(location, image);
        } else {
            device.close();
        }
        return image;
    }

    /** Closes origins that no volume is over any more. */
    public void closeUnused(Collection<ThinDevice> devices) {
        open.values().removeIf(image -> {
            boolean unused = devices.stream().noneMatch(device -> device.externalOrigin() == image);
            if (unused) {
                image.close();
            }
            return unused;
        });
    }

    /** No request is under way. */
    public void close() {
        open.values().forEach(OriginImage::close);
        open.clear();
    }

    private OriginImage verified(ExternalOrigin record) throws StorageException {
        BlockDevice device = opener.open(record.location());
        try {
            ExternalOrigin present = examine(record.location(), device);
            if (!present.equals(record)) {
                throw new StorageException(Errno.EINVAL, changed(record));
            }
            return OriginImage.of(record, device);
        } catch (StorageException | RuntimeException e) {
            device.close();
            throw e;
        }
    }

    private ExternalOrigin examine(String location, BlockDevice device) throws StorageException {
        int alignment = device.geometry().alignmentBytes();
        if (alignment > SAMPLE_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    location + ": wants requests of " + alignment + " bytes; an origin must take " + SAMPLE_BYTES);
        }
        long size = device.geometry().sizeBytes();
        CRC32C crc = new CRC32C();
        BlockingIo io = new BlockingIo(device, inline);
        IoBuffer buffer = inline.buffers().acquire(SAMPLE_BYTES);
        try {
            long last = Math.max(0, size - SAMPLE_BYTES) / SAMPLE_BYTES;
            for (int i = 0; i < SAMPLES; i++) {
                long at = last * i / (SAMPLES - 1) * SAMPLE_BYTES;
                int bytes = (int) Math.min(SAMPLE_BYTES, size - at);
                if (bytes > 0) {
                    io.read(at, buffer, 0, bytes);
                    crc.update(buffer.bytes().slice(0, bytes));
                }
            }
        } finally {
            buffer.release();
        }
        return new ExternalOrigin(location, size, (int) crc.getValue());
    }

    private static OriginImage failed(ExternalOrigin record, String volume, String why) {
        LOG.error("volume {}: its external origin cannot be used: {}", volume, why);
        return OriginImage.failed(record, why);
    }

    private static String changed(ExternalOrigin record) {
        return record.location() + ": is not what it was when a volume was made over it, of " + record.sizeBytes()
                + " bytes; put the unchanged image back and open the pool again";
    }
}
