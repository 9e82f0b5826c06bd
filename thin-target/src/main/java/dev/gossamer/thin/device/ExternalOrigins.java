package dev.gossamer.thin.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The external origins of a pool's volumes: each is open once, however many volumes and snapshots are over it. Worker's
 * thread.
 *
 * <p>An origin must never change. Its size and a checksum of samples are recorded when a volume is made over it
 * and compared when the pool is opened: that finds another image in its place, and an image that has grown; it cannot
 * find every change. The pool does not wait for that, and neither does its worker: whoever reads an origin does.
 */
public final class ExternalOrigins {
    /** That are opened and compared when the pool is opened; half of what the examinations take. */
    public static final int LOOKED_AT_AT_ONCE = OriginExaminations.MAX_AT_ONCE / 2;

    private static final Logger LOG = LoggerFactory.getLogger(ExternalOrigins.class);

    private final OriginOpener opener;
    private final OriginExaminations examinations;
    private final IoLoop worker;
    // Those that cannot be used as well: a snapshot of a volume over one must not wait for it.
    private final Map<ExternalOrigin, OriginImage> images = new HashMap<>();
    // Not looked at yet; of the images.
    private final Queue<OriginImage> due = new ArrayDeque<>();
    private int lookedAt;

    public ExternalOrigins(OriginOpener opener, OriginExaminations examinations, IoLoop worker) {
        this.opener = opener;
        this.examinations = examinations;
        this.worker = worker;
    }

    /**
     * The origin that a volume's slot names; null if it names none. One that no other volume is over will be looked at
     * when the pool has been opened.
     */
    public OriginImage of(CatalogSlot slot) {
        ExternalOrigin record = slot == null ? null : slot.externalOrigin();
        if (record == null) {
            return null;
        }
        OriginImage image = images.get(record);
        if (image == null) {
            image = OriginImage.unknown(record);
            images.put(record, image);
            due.add(image);
        }
        return image;
    }

    /** Looks at all that the volumes have named. */
    public void begin() {
        while (lookedAt < LOOKED_AT_AT_ONCE && !due.isEmpty()) {
            OriginImage image = due.poll();
            if (image.isUnknown()) {
                lookedAt++;
                open(image);
            }
        }
    }

    private void open(OriginImage image) {
        try {
            opener.execute(() -> {
                BlockDevice device;
                try {
                    device = opener.open(image.record().location());
                } catch (StorageException | RuntimeException | Error e) {
                    Wakeup.call(worker, () -> ended(image, Reason.of(e)));
                    return;
                }
                if (!Wakeup.call(worker, () -> examine(image, device))) {
                    device.close(); // The pool is gone.
                }
            });
        } catch (RuntimeException | Error noThread) {
            ended(image, image.record().location() + ": " + Reason.of(noThread));
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What is chained to the answer ends the look at the image.
    private void examine(OriginImage image, BlockDevice device) {
        ExternalOrigin record = image.record();
        CompletableFuture<ExternalOrigin> answer = new CompletableFuture<>();
        answer.whenComplete((found, failure) -> {
            if (failure != null) {
                ended(image, Reason.of(failure));
            } else if (!found.equals(record)) {
                device.close();
                ended(image, changed(record));
            } else {
                if (!image.found(device)) {
                    device.close(); // No volume is over it any more, or another device has been found to be it.
                }
                lookAtNext();
            }
        });
        examinations.begin(record.location(), device, answer);
    }

    private void ended(OriginImage image, String failure) {
        if (image.failed(failure)) {
            LOG.error("volumes fail where they show their external origin, which cannot be used: {}", failure);
        }
        lookAtNext();
    }

    private void lookAtNext() {
        lookedAt--;
        begin();
    }

    /** What is open under this name; null if nothing is. */
    private OriginImage usable(String location) {
        for (OriginImage image : images.values()) {
            if (!image.isUnknown()
                    && image.failure() == null
                    && image.record().location().equals(location)) {
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
        OriginImage same = images.get(found);
        if (same != null && same.isUnknown()) {
            same.found(device);
            return same;
        }
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

    /**
     * Opens and looks at what is at a location now, for volumes that nobody has recorded an origin for yet. {@link
     * #closeUnused} closes what no volume is put over.
     *
     * @param answer on the worker
     */
    public void find(String location, CompletableFuture<OriginImage> answer) {
        OriginImage known = usable(location);
        if (known != null) {
            answer.complete(known);
            return;
        }
        try {
            opener.execute(() -> {
                BlockDevice device;
                try {
                    device = opener.open(location);
                } catch (StorageException | RuntimeException | Error e) {
                    Wakeup.call(worker, () -> answer.completeExceptionally(e));
                    return;
                }
                if (!Wakeup.call(worker, () -> examine(location, device, answer))) {
                    device.close(); // The pool is gone.
                }
            });
        } catch (RuntimeException | Error noThread) {
            answer.completeExceptionally(noThread);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What is chained ends the answer, whatever comes.
    private void examine(String location, BlockDevice device, CompletableFuture<OriginImage> answer) {
        CompletableFuture<ExternalOrigin> looked = new CompletableFuture<>();
        looked.whenComplete((found, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
                return;
            }
            OriginImage image;
            try {
                image = add(found, device);
            } catch (StorageException e) {
                device.close();
                answer.completeExceptionally(e);
                return;
            }
            answer.complete(image);
        });
        examinations.begin(location, device, looked);
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

    /** The pool is being closed: none is looked at any more, and reads that wait for that end. */
    public void stop() {
        due.clear();
        images.values().forEach(image -> image.failed(image.record().location() + ": the pool is being closed"));
    }

    /** No request is under way. */
    public void close() {
        images.values().forEach(OriginImage::close);
        images.clear();
    }

    private static String changed(ExternalOrigin record) {
        return record.location() + ": is not what it was when a volume was made over it, of " + record.sizeBytes()
                + " bytes; put the unchanged image back and open the pool again";
    }
}
