package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.util.ArrayList;
import java.util.List;

/**
 * An external origin in use: what shows through where a volume has nothing mapped. It is only ever read, and bytes
 * beyond its end are zeros. An offset in it is the same offset in the volume.
 *
 * <p>While a pool is being opened it is not known whether an origin is what it was: reads of it wait for that, and
 * nobody else does. {@link #read} and {@link #hold} on any loop of the pool.
 */
public final class OriginImage {
    /** Of any device. */
    public static final int MAX_ALIGNMENT_BYTES = 4096;

    private final ExternalOrigin record;
    // Reads that wait, bounded by the requests that are under way. Guarded by itself.
    private final List<Wakeup> waiting = new ArrayList<>();
    // Null while it is being looked at.
    private volatile Found found;

    /**
     * What it turned out to be.
     *
     * @param device null if it cannot be used
     * @param failure why; null if it can
     */
    private record Found(BlockDevice device, String failure) {}

    private OriginImage(ExternalOrigin record, Found found) {
        this.record = record;
        this.found = found;
    }

    /** @param device open, and found to be what the record says */
    static OriginImage of(ExternalOrigin record, BlockDevice device) {
        return new OriginImage(record, new Found(device, null));
    }

    /** One that has to be looked at. */
    static OriginImage unknown(ExternalOrigin record) {
        return new OriginImage(record, null);
    }

    /** It is what the record says. @return false: something else was said before; the device stays the caller's */
    boolean found(BlockDevice device) {
        return become(new Found(device, null));
    }

    /** It cannot be used: every read of it is EIO, never zeros. */
    boolean failed(String failure) {
        return become(new Found(null, failure));
    }

    private boolean become(Found is) {
        List<Wakeup> all;
        synchronized (waiting) {
            if (found != null) {
                return false;
            }
            found = is;
            all = List.copyOf(waiting);
            waiting.clear();
        }
        all.forEach(Wakeup::call);
        return true;
    }

    /** Whether it is being looked at. */
    public boolean isUnknown() {
        return found == null;
    }

    /**
     * Keeps a read until it is known what this is.
     *
     * @param again serves it then, on its loop
     * @return false: that is known by now
     */
    public boolean hold(BlockRequest read, Runnable again) {
        synchronized (waiting) {
            return found == null && waiting.add(new Wakeup(read.loop(), again));
        }
    }

    public ExternalOrigin record() {
        return record;
    }

    /** Why it cannot be used; null if it can, or if that is not known yet. */
    public String failure() {
        Found is = found;
        return is == null ? null : is.failure;
    }

    public long sizeBytes() {
        return record.sizeBytes();
    }

    /** What reads must be multiples of; a power of two. */
    public int alignmentBytes() {
        Found is = found;
        if (is == null) {
            return MAX_ALIGNMENT_BYTES;
        }
        return is.device == null ? 1 : is.device.geometry().alignmentBytes();
    }

    /** Serves a READ, aligned, wherever it lies, with the origin's bytes and zeros beyond its end. */
    public void read(BlockRequest read) {
        Found is = found;
        long from = read.offsetBytes();
        long to = from + read.lengthBytes();
        if (from >= sizeBytes()) {
            zero(read);
        } else if (is == null) {
            if (!hold(read, () -> read(read))) {
                read(read);
            }
        } else if (is.device == null) {
            read.complete(Errno.EIO);
        } else if (to <= sizeBytes()) {
            is.device.start(read);
        } else {
            read.beginSplit();
            is.device.start(read.child(from, sizeBytes() - from));
            zero(read.child(sizeBytes(), to - sizeBytes()));
            read.endSplit();
        }
    }

    /** No read is under way, but perhaps some that wait to know what it is. */
    void close() {
        failed(record.location() + ": the pool is being closed");
        if (found.device != null) {
            found.device.close();
        }
    }

    private static void zero(BlockRequest read) {
        read.buffer().zero(read.bufferOffsetBytes(), (int) read.lengthBytes());
        read.complete(Errno.OK);
    }
}
