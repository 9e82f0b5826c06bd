package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts what moves data blocks: to empty a part of the data device, to make the pool smaller (RL-6), to put a volume
 * in order. Looks first whether that can be; a refusal changes nothing. Worker's thread.
 */
public final class MoveStart {
    private static final Logger LOG = LoggerFactory.getLogger(MoveStart.class);

    private final PoolMetadata metadata;
    private final MetadataChange change;
    private final Committer committer;
    private final Jobs jobs;
    private final BlockMover mover;
    private final MoveParts parts;
    private final PoolDevices devices;
    private final PoolEvents events;
    private final PoolGrowth growth;
    // The latest; while it is under way there is no other, for one range can be closed.
    private EvacuateJob latest;
    private long latestId;
    private long dedupeId;
    // Emptied before, and closed as long as the pool is open. Data blocks.
    private long closedFrom;
    private long closedTo;

    public MoveStart(
            MetadataChange change,
            Committer committer,
            Jobs jobs,
            MoveParts parts,
            PoolEvents events,
            PoolGrowth growth) {
        this.metadata = parts.metadata();
        this.change = change;
        this.committer = committer;
        this.jobs = jobs;
        this.mover = new BlockMover(parts);
        this.parts = parts;
        this.devices = parts.devices();
        this.events = events;
        this.growth = growth;
    }

    /**
     * Empties a range of the data device, as far out as whole blocks reach. It is used no more while the pool is open.
     *
     * @param acceptLosses zeros for what cannot be read
     */
    public JobInfo evacuate(long offsetBytes, long lengthBytes, boolean acceptLosses) throws StorageException {
        return evacuate(offsetBytes, lengthBytes, acceptLosses, Losses.MAX_UNREADABLE);
    }

    /** As above; it goes no further when so many blocks cannot be read. */
    public JobInfo evacuate(long offsetBytes, long lengthBytes, boolean acceptLosses, int maxUnreadable)
            throws StorageException {
        checkRange(offsetBytes, lengthBytes);
        long from = offsetBytes / metadata.blockBytes();
        long to = Math.ceilDiv(offsetBytes + lengthBytes, (long) metadata.blockBytes());
        return start("evacuate", from, to, maxUnreadable, new EvacuateJob.Ending() {
            @Override
            public void emptied(Job.StepEnd end) {
                latest.keepClosed();
                closedFrom = from;
                closedTo = to;
                end.done(latest.result() + "; nothing is allocated there until the pool is opened again");
            }

            @Override
            public void givenUp() {
                closeAsBefore();
            }

            @Override
            public JobRequest request() {
                return new JobRequest.Evacuate(offsetBytes, lengthBytes, acceptLosses);
            }

            @Override
            public boolean acceptsLosses() {
                return acceptLosses;
            }
        });
    }

    /** EINVAL if a range is empty, or not in the pool's data. */
    public void checkRange(long offsetBytes, long lengthBytes) throws StorageException {
        long bytes = metadata.dataBlocks() * metadata.blockBytes();
        if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes >= bytes || lengthBytes > bytes - offsetBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the range " + offsetBytes + "+" + lengthBytes
                            + " is not in the data device, of which the pool has " + bytes + " bytes");
        }
    }

    /** Makes the pool's data smaller; a file is cut, a device is not used behind that any more. */
    public JobInfo shrink(long dataBytes) throws StorageException {
        long blocks = dataBytes / metadata.blockBytes();
        if (dataBytes <= 0 || blocks >= metadata.dataBlocks()) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the pool has " + metadata.dataBlocks() * metadata.blockBytes() + " bytes of data, and " + dataBytes
                            + " is no smaller size; 'gossamer pool grow' makes it larger");
        }
        long used = metadata.dataBlocksUsed();
        long reserved = parts.quotas().neededBlocks();
        long least = Math.max(used + reserved, metadata.references().moves().lastPinned() + 1);
        if (blocks < least) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "the pool's data can be made no smaller than " + least * metadata.blockBytes() + " bytes now: "
                            + used * metadata.blockBytes() + " are in use, "
                            + reserved * metadata.blockBytes()
                            + " are reserved for volumes, and the catalog is not moved");
        }
        return start("shrink", blocks, metadata.dataBlocks(), Losses.MAX_UNREADABLE, new EvacuateJob.Ending() {
            @Override
            public void emptied(Job.StepEnd end) {
                cut(blocks, end);
            }

            @Override
            public void givenUp() {
                closeAsBefore();
            }

            @Override
            public JobRequest request() {
                return new JobRequest.Shrink(dataBytes);
            }

            @Override
            public boolean cutsOff() {
                return true;
            }
        });
    }

    /** Puts the blocks of a volume back into runs. */
    public JobInfo defragment(String name) throws StorageException {
        change.checkWritable();
        jobs.checkRoom();
        ThinDevice device = find(name);
        change.checkSound(device);
        parts.checkNotPinned();
        if (!device.openForJob()) {
            throw new StorageException(Errno.EBUSY, "volume " + name + " is being deleted or rolled back");
        }
        return jobs.start(new DefragmentJob(parts, mover, device));
    }

    /** Shares equal blocks. */
    public JobInfo dedupe(DedupeSpec spec) throws StorageException {
        return dedupe(spec, DedupeJob.memoryBytes(), DedupeJob.MAX_PLACES);
    }

    /** As above, with so many bytes for fingerprints, and memory for so many mappings. */
    public JobInfo dedupe(DedupeSpec spec, long memoryBytes, int maxPlaces) throws StorageException {
        change.checkWritable();
        jobs.checkRoom();
        parts.checkNotPinned();
        if (metadata.dataBlocks() > Integer.MAX_VALUE) {
            throw new StorageException(
                    Errno.EINVAL,
                    "dedupe looks at up to 2^31 data blocks, and the pool has " + metadata.dataBlocks()
                            + "; take larger blocks for a pool of that size");
        }
        if (spec.bytesPerSecond() < 0) {
            throw new StorageException(Errno.EINVAL, "a rate of " + spec.bytesPerSecond() + " bytes a second is none");
        }
        if (!jobs.isOver(dedupeId)) {
            throw new StorageException(
                    Errno.EBUSY,
                    "job " + dedupeId + " dedupes already, with all the memory that there is for that; wait for its"
                            + " end or cancel it");
        }
        Set<ThinDevice> chosen = new LinkedHashSet<>();
        for (String name : spec.volumes()) {
            ThinDevice device = find(name);
            change.checkSound(device);
            chosen.add(device);
        }
        DedupeJob job = prepared(spec, List.copyOf(chosen), memoryBytes, maxPlaces);
        List<ThinDevice> opened = new ArrayList<>();
        for (ThinDevice device : chosen) {
            if (!device.openForJob()) {
                opened.forEach(ThinDevice::closeForJob);
                throw new StorageException(Errno.EBUSY, "volume " + device.name() + " is being deleted or rolled back");
            }
            opened.add(device);
        }
        JobInfo info = jobs.start(job);
        dedupeId = info.id();
        return info;
    }

    private DedupeJob prepared(DedupeSpec spec, List<ThinDevice> chosen, long memoryBytes, int maxPlaces)
            throws StorageException {
        try {
            return new DedupeJob(parts, spec, chosen, memoryBytes, maxPlaces);
        } catch (OutOfMemoryError full) {
            throw new StorageException(
                    Errno.ENOMEM,
                    "the heap has no room for " + memoryBytes + " bytes of fingerprints now; try again when less is"
                            + " under way, or give the daemon more heap",
                    full);
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

    private JobInfo start(String kind, long from, long to, int maxUnreadable, EvacuateJob.Ending ending)
            throws StorageException {
        change.checkWritable();
        jobs.checkRoom();
        if (latest != null && !jobs.isOver(latestId)) {
            throw new StorageException(
                    Errno.EBUSY,
                    "job " + latestId + " empties a part of the data device; wait for its end or cancel it");
        }
        checkClosed(from, to);
        parts.checkNotPinned();
        Losses losses = new Losses(parts, events, maxUnreadable);
        EvacuateJob job = new EvacuateJob(kind, parts, mover, from, to, losses, ending);
        long used = metadata.references().moves().inUse(from, to);
        long free = parts.quotas().spareNow();
        if (used > free) {
            job.ended();
            throw new StorageException(
                    Errno.ENOSPC,
                    used * metadata.blockBytes() + " bytes are stored there, and "
                            + Math.max(0, free) * metadata.blockBytes()
                            + " are free elsewhere and not reserved; trim or delete volumes first");
        }
        long pinned = metadata.references().moves().firstPinned(from, to);
        if (pinned >= 0) {
            job.ended();
            throw new StorageException(
                    Errno.EBUSY,
                    "byte " + pinned * metadata.blockBytes()
                            + " of the data device is the pool's catalog, which is not moved; take a range without it");
        }
        latest = job;
        JobInfo info = jobs.start(job);
        latestId = info.id();
        return info;
    }

    /** EBUSY if another range would be open again by that: one can be closed. */
    private void checkClosed(long from, long to) throws StorageException {
        if (closedFrom < closedTo && (closedFrom < from || closedTo > to)) {
            throw new StorageException(
                    Errno.EBUSY,
                    "bytes " + closedFrom * metadata.blockBytes() + "+"
                            + (closedTo - closedFrom) * metadata.blockBytes()
                            + " of the data device were emptied and stay unused while the pool is open, as one range"
                            + " can; take a range that includes them, or open the pool again first");
        }
    }

    private void closeAsBefore() {
        BlockMoves moves = metadata.references().moves();
        try {
            moves.close(closedFrom, closedTo);
        } catch (StorageException e) {
            LOG.warn("the range stays closed, as bitmaps of the one before it cannot be read: {}", e.getMessage());
        }
    }

    /**
     * Once nobody is on his way to what is cut off: in the metadata first, so that a crash leaves a device too large.
     */
    private void cut(long blocks, Job.StepEnd end) {
        committer.whenQuiet(() -> {
            try {
                change.checkAllowed();
                if (metadata.isChanged()) {
                    committer.commitNow();
                }
                BlockMoves moves = metadata.references().moves();
                if (moves.hasFreedFrom(blocks) || moves.inUse(blocks, metadata.dataBlocks()) > 0) {
                    end.next();
                    return;
                }
                long before = metadata.dataBlocks();
                change.commit(() -> metadata.references().moves().shrink(blocks));
                closedFrom = 0; // cut off
                closedTo = 0;
                LOG.info("data device shrunk from {} to {} blocks", before, blocks);
                end.done(cutDevice(blocks * metadata.blockBytes()));
            } catch (StorageException e) {
                end.failed(e);
            }
        });
    }

    private String cutDevice(long bytes) {
        String done = "the pool has " + bytes + " bytes of data now";
        try {
            growth.dataShrunk(bytes);
            return done;
        } catch (StorageException e) {
            return done + ", but " + e.getMessage();
        }
    }
}
