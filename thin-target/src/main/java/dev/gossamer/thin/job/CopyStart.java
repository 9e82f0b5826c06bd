package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.ThinDevice;

/**
 * Starts what gives a volume blocks of its own. Looks first whether that can be; a refusal changes nothing. Worker's
 * thread.
 */
public final class CopyStart {
    /** Takes a volume off its external origin, of which it needs nothing any more, durably. While it is quiet. */
    public interface Detaching {
        /**
         * Takes it off.
         *
         * @param detached told when nobody looks for the origin any more
         */
        void run(ThinDevice device, Runnable detached) throws StorageException;
    }

    private final MoveParts parts;
    private final MetadataChange change;
    private final Jobs jobs;
    private final Detaching detaching;

    public CopyStart(MoveParts parts, MetadataChange change, Jobs jobs, Detaching detaching) {
        this.parts = parts;
        this.change = change;
        this.jobs = jobs;
        this.detaching = detaching;
    }

    /** Copies all that the volume shares, or sees of an external origin. */
    public JobInfo independent(String name) throws StorageException {
        return start(name, true);
    }

    /** Copies what the volume sees of its external origin, and takes it off that. */
    public JobInfo detach(String name) throws StorageException {
        return start(name, false);
    }

    private JobInfo start(String name, boolean sharedToo) throws StorageException {
        change.checkWritable();
        jobs.checkRoom();
        ThinDevice device = parts.devices().named(name);
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT, "there is no volume '" + name + "'; 'gossamer volume list' shows all");
        }
        change.checkSound(device);
        if (device.externalOrigin() == null && !sharedToo) {
            throw new StorageException(
                    Errno.EINVAL,
                    "volume " + name + " is over no external origin; to copy what it shares with others, use 'gossamer"
                            + " volume clone --independent'");
        }
        String failure =
                device.externalOrigin() == null ? null : device.externalOrigin().failure();
        if (failure != null) {
            throw new StorageException(Errno.ENODEV, "the external origin of " + name + " cannot be used: " + failure);
        }
        // A range clone under way may put holes where the origin must not show through any more.
        if (device.jobCount() > 0 || device.isResizing()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "volume " + name + " is being worked on by a job, or is getting another size; 'gossamer job list'"
                            + " shows it, wait or cancel it");
        }
        if (!device.openForJob()) {
            throw new StorageException(Errno.EBUSY, "volume " + name + " is being deleted or rolled back");
        }
        return jobs.start(new IndependentJob(parts, device, sharedToo, detaching));
    }
}
