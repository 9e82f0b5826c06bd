package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.PromiseChecks;

/**
 * Looks at what a range clone is asked to do, and starts it (CL-1). Nothing is changed by a refusal. Worker's thread.
 */
public final class CloneStart {
    /** Blocks of an atomic clone, at most: what one transaction and one hold of a range may take. */
    public static final long MAX_ATOMIC_BLOCKS = 8 * HeldRange.MAX_BLOCKS;

    private final PoolDevices devices;
    private final MetadataChange change;
    private final Jobs jobs;
    private final CloneJob.Parts parts;
    private final int blockBytes;

    public CloneStart(
            PoolMetadata metadata,
            PoolDevices devices,
            MetadataChange change,
            Jobs jobs,
            RangeLocks locks,
            StepChange stepChange,
            Stepping stepping,
            PromiseChecks promises) {
        this.devices = devices;
        this.change = change;
        this.jobs = jobs;
        this.parts = new CloneJob.Parts(metadata, stepChange, locks, stepping, promises);
        this.blockBytes = metadata.blockBytes();
    }

    /** Starts a clone; it goes on as a job. */
    public JobInfo start(CloneSpec spec) throws StorageException {
        change.checkWritable();
        jobs.checkRoom();
        ThinDevice source = find(spec.source());
        ThinDevice target = find(spec.destination());
        change.checkSound(source);
        change.checkSound(target);
        if (target.isReadOnly()) {
            throw new StorageException(
                    Errno.EROFS, "volume " + target.name() + " is read-only; clone to a writable one");
        }
        if (target.isDetaching()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "volume " + target.name() + " is being taken off its external origin; 'gossamer job list' shows"
                            + " it, wait or cancel it");
        }
        long length = checkedLength(spec, source, target);
        checkOrigins(spec, source, target);
        long blocks = Math.ceilDiv(length, (long) blockBytes);
        if (spec.atomic() && blocks > MAX_ATOMIC_BLOCKS) {
            throw invalid("an atomic clone is of " + MAX_ATOMIC_BLOCKS * blockBytes + " bytes at most, not " + length
                    + "; clone a snapshot of " + source.name() + " in steps");
        }
        if (source == target && Math.abs(spec.sourceOffset() - spec.destinationOffset()) < blocks * blockBytes) {
            throw invalid("the two ranges of volume " + source.name() + " overlap");
        }
        return jobs.start(opened(spec, source, target, length));
    }

    private CloneJob opened(CloneSpec spec, ThinDevice source, ThinDevice target, long length) throws StorageException {
        if (!source.openForJob()) {
            throw gone(source);
        }
        if (!target.openForJob()) {
            source.closeForJob();
            throw gone(target);
        }
        return new CloneJob(
                parts,
                new CloneJob.Side(source, spec.sourceOffset() / blockBytes),
                new CloneJob.Side(target, spec.destinationOffset() / blockBytes),
                Math.ceilDiv(length, (long) blockBytes),
                length,
                spec.atomic() ? (int) MAX_ATOMIC_BLOCKS : parts.stepping().stepBlocks());
    }

    private long checkedLength(CloneSpec spec, ThinDevice source, ThinDevice target) throws StorageException {
        long from = spec.sourceOffset();
        long to = spec.destinationOffset();
        if (from < 0 || from >= source.sizeBytes()) {
            throw invalid("offset " + from + " is not in volume " + source.name() + ", which has " + source.sizeBytes()
                    + " bytes");
        }
        long length = spec.lengthBytes() == CloneSpec.TO_THE_END ? source.sizeBytes() - from : spec.lengthBytes();
        if (length <= 0 || length > source.sizeBytes() - from) {
            throw invalid("a range of " + length + " bytes from " + from + " on is not in volume " + source.name()
                    + ", which has " + source.sizeBytes() + " bytes");
        }
        if (to < 0 || to > target.sizeBytes() || length > target.sizeBytes() - to) {
            throw invalid("a range of " + length + " bytes from " + to + " on is not in volume " + target.name()
                    + ", which has " + target.sizeBytes() + " bytes");
        }
        if (from % blockBytes != 0 || to % blockBytes != 0) {
            throw invalid("offsets must be multiples of the pool's block size, " + blockBytes + " bytes");
        }
        // A block that is not whole has bytes behind the volume's end, which nobody may get to see.
        boolean bothEnd = from + length == source.sizeBytes() && to + length == target.sizeBytes();
        if (length % blockBytes != 0 && !bothEnd) {
            throw invalid("the length must be a multiple of the pool's block size, " + blockBytes
                    + " bytes, unless the range ends where both volumes do");
        }
        return length;
    }

    /** What is not mapped must mean the same on both sides (CL-4). */
    private void checkOrigins(CloneSpec spec, ThinDevice source, ThinDevice target) throws StorageException {
        boolean plain = !source.isOverExternalOrigin(spec.sourceOffset())
                && !target.isOverExternalOrigin(spec.destinationOffset());
        boolean same =
                source.externalOrigin() == target.externalOrigin() && spec.sourceOffset() == spec.destinationOffset();
        if (!plain && !same) {
            throw invalid("what is not stored of " + source.name() + " is not the same in " + target.name()
                    + ": one is over an external origin, there or at that place, and the other is not; clone volumes"
                    + " over one origin, at the same offset");
        }
    }

    private ThinDevice find(String name) throws StorageException {
        ThinDevice device = devices.named(name);
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT, "there is no volume '" + name + "'; 'gossamer volume list' shows all");
        }
        return device;
    }

    private static StorageException gone(ThinDevice device) {
        return new StorageException(Errno.EBUSY, "volume " + device.name() + " is being deleted or rolled back");
    }

    private static StorageException invalid(String message) {
        return new StorageException(Errno.EINVAL, message);
    }
}
