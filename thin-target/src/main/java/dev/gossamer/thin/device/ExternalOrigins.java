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
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The external origins of a pool's volumes: each is open once, however many volumes and snapshots are over it. Worker's
 * thread.
 *
 * <p>An origin must never change. Its size and a checksum of samples are recorded when a volume is made over it
 * and compared when the pool is opened: that finds another image in its place, and an image that has grown; it cannot
 * find every change.
 */
public final class ExternalOrigins {
    private static final Logger LOG = LoggerFactory.getLogger(ExternalOrigins.class);

    private final OriginOpener opener;
    private final InlineLoop inline;
    // Those that cannot be used as well: a snapshot of a volume over one must not wait for it.
    private final Map<ExternalOrigin, OriginImage> images = new HashMap<>();

    public ExternalOrigins(OriginOpener opener, InlineLoop inline) {
        this.opener = opener;
        this.inline = inline;
    }

    /**
     * The origin that a volume's slot names; null if it names none. One that no other volume is over is opened and
     * compared, which waits for it: when the pool is opened.
     */
    public OriginImage of(CatalogSlot slot) {
        ExternalOrigin record = slot == null ? null : slot.externalOrigin();
        if (record == null) {
            return null;
        }
        OriginImage image = images.get(record);
        if (image == null) {
            image = opened(record, slot.name());
            images.put(record, image);
        }
        return image;
    }

    private OriginImage opened(ExternalOrigin record, String volume) {
        if (usable(record.location()) != null) {
            // The same name stood for another image when the other volume was made: one of the two is wrong.
            return failed(record, volume, changed(record));
        }
        try {
            return verified(record);
        } catch (StorageException e) {
            return failed(record, volume, e.getMessage());
        }
    }

    /** What is open under this name; null if nothing is. */
    private OriginImage usable(String location) {
        for (OriginImage image : images.values()) {
            if (image.failure() == null && image.record().location().equals(location)) {
                return image;
            }
        }
        return null;
    }

    /**
     * Takes an open device as the origin of a new volume.
     *
     * @param found what {@link OriginExaminations} found there
     * @throws StorageException if it cannot be one; the caller closes it then
     */
    public OriginImage add(ExternalOrigin found, BlockDevice device) throws StorageException {
        OriginImage known = usable(found.location());
        if (known == null) {
            OriginImage image = OriginImage.of(found, device);
            images.put(found, image);
            return image;
        }
        if (!known.record().equals(found)) {
            throw new StorageException(Errno.EINVAL, changed(known.record()));
        }
        device.close();
        return known;
    }

    /** Closes origins that no volume is over any more. */
    public void closeUnused(Collection<ThinDevice> devices) {
        images.values().removeIf(image -> {
            boolean unused = devices.stream().noneMatch(device -> device.externalOrigin() == image);
            if (unused) {
                image.close();
            }
            return unused;
        });
    }

    /** No request is under way. */
    public void close() {
        images.values().forEach(OriginImage::close);
        images.clear();
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
        OriginSamples samples = new OriginSamples(location, device);
        BlockingIo io = new BlockingIo(device, inline);
        IoBuffer buffer = inline.buffers().acquire(OriginSamples.BYTES);
        try {
            while (!samples.isComplete()) {
                io.read(samples.offsetBytes(), buffer, 0, samples.lengthBytes());
                samples.take(buffer);
            }
        } finally {
            buffer.release();
        }
        return samples.record();
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
