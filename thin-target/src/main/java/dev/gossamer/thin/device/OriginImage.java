package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.thin.catalog.ExternalOrigin;

/**
 * An external origin in use: what shows through where a volume has nothing mapped. It is only ever read, and bytes
 * beyond its end are zeros. An offset in it is the same offset in the volume.
 *
 * <p>{@link #read} on any loop of the pool; the rest never changes.
 */
public final class OriginImage {
    private final ExternalOrigin record;
    private final BlockDevice device;
    private final String failure;

    private OriginImage(ExternalOrigin record, BlockDevice device, String failure) {
        this.record = record;
        this.device = device;
        this.failure = failure;
    }

    /** @param device open, and found to be what the record says */
    static OriginImage of(ExternalOrigin record, BlockDevice device) {
        return new OriginImage(record, device, null);
    }

    /** An origin that cannot be used: every read of it is EIO, never zeros. */
    static OriginImage failed(ExternalOrigin record, String failure) {
        return new OriginImage(record, null, failure);
    }

    public ExternalOrigin record() {
        return record;
    }

    /** Why it cannot be used; null if it can. */
    public String failure() {
        return failure;
    }

    public long sizeBytes() {
        return record.sizeBytes();
    }

    /** What reads must be multiples of; a power of two, at most 4096. */
    public int alignmentBytes() {
        return device == null ? 1 : device.geometry().alignmentBytes();
    }

    /** Serves a READ, aligned, wherever it lies, with the origin's bytes and zeros beyond its end. */
    public void read(BlockRequest read) {
        long from = read.offsetBytes();
        long to = from + read.lengthBytes();
        if (from >= sizeBytes()) {
            zero(read);
        } else if (device == null) {
            read.complete(Errno.EIO);
        } else if (to <= sizeBytes()) {
            device.start(read);
        } else {
            read.beginSplit();
            device.start(read.child(from, sizeBytes() - from));
            zero(read.child(sizeBytes(), to - sizeBytes()));
            read.endSplit();
        }
    }

    void close() {
        if (device != null) {
            device.close();
        }
    }

    private static void zero(BlockRequest read) {
        read.buffer().zero(read.bufferOffsetBytes(), (int) read.lengthBytes());
        read.complete(Errno.OK);
    }
}
