package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.Collection;
import java.util.function.Consumer;

/**
 * How jobs change metadata: only as far as there is room for it and for the commit (S-3), with the devices marked
 * before anybody sees the change (G-7a), and with an abort only if something was half changed (E-1). Worker's thread.
 */
public final class StepChange {
    /** Entries of a leaf that is half full, about: what the estimate for a whole job goes by. */
    private static final int MAPPINGS_PER_LEAF = 126;

    /** Changes metadata. */
    public interface Step {
        void run() throws StorageException;
    }

    /** How many blocks there is metadata for: all that are wanted, or 0, unless {@code fewer} will do. */
    interface Room {
        int blocks(boolean fewer) throws StorageException;
    }

    /** Does so many blocks. */
    interface Work {
        void run(int blocks) throws StorageException;
    }

    private final PoolMetadata metadata;
    private final PoolState state;
    private final PoolFaults faults;
    private final Committer committer;
    private final PartialTrims partialTrims;

    public StepChange(
            PoolMetadata metadata, PoolState state, PoolFaults faults, Committer committer, PartialTrims partialTrims) {
        this.metadata = metadata;
        this.state = state;
        this.faults = faults;
        this.committer = committer;
        this.partialTrims = partialTrims;
    }

    /** ENOSPC, with the figures, if there is clearly too little metadata for so many mappings more. */
    void checkMetadata(long mappings) throws StorageException {
        long needed = mappings / MAPPINGS_PER_LEAF;
        long free = metadata.metadataBlocksFreeOnceCommitted();
        if (needed > free) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "this takes about " + needed * MetadataBlock.BYTES + " bytes of metadata, "
                            + free * MetadataBlock.BYTES
                            + " are free; delete snapshots or enlarge the metadata device");
        }
    }

    /**
     * Does a step once there is metadata for it, after a commit if that gives some back. Tells a failure, also of the
     * work, to {@code otherwise}.
     */
    void whenRoom(Room room, Work work, Consumer<Throwable> otherwise) {
        guarded(otherwise, () -> {
            checkAllowed();
            int blocks = room.blocks(false);
            if (blocks > 0) {
                work.run(blocks);
            } else {
                committer.whenQuiet(() -> guarded(otherwise, () -> afterCommit(room, work)));
            }
        });
    }

    private void afterCommit(Room room, Work work) throws StorageException {
        checkAllowed();
        committer.commitNow();
        int blocks = room.blocks(true);
        if (blocks == 0) {
            throw new StorageException(
                    Errno.ENOSPC, "the metadata device is nearly full; delete volumes or snapshots, or enlarge it");
        }
        work.run(blocks);
    }

    private void guarded(Consumer<Throwable> otherwise, Step step) {
        try {
            step.run();
        } catch (StorageException e) {
            otherwise.accept(e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            otherwise.accept(bug);
        }
    }

    /** EROFS, with the reason, once the metadata may not change any more. */
    private void checkAllowed() throws StorageException {
        if (state.isMetadataReadOnly()) {
            throw new StorageException(
                    Errno.EROFS, "the pool is " + state.mode().word() + ": " + state.cause());
        }
    }

    /**
     * Changes the metadata of devices, and what loops know of their sharing. A step of several changes may fail behind
     * the first of them, which is in the open transaction then like any other.
     */
    public void apply(Collection<ThinDevice> devices, Step step) throws StorageException {
        try {
            step.run();
        } catch (StorageException e) {
            if (metadata.isHalfChanged()) {
                faults.abort(e);
            } else {
                changed(devices, e);
            }
            throw e;
        }
        changed(devices);
    }

    private void changed(Collection<ThinDevice> devices) throws StorageException {
        devices.forEach(committer::changed);
        for (ThinDevice device : devices) {
            device.sharesAnew(metadata.details(device.id()), metadata.dataBlocks());
        }
    }

    private void changed(Collection<ThinDevice> devices, StorageException failure) {
        try {
            changed(devices);
        } catch (StorageException e) {
            failure.addSuppressed(e);
        }
    }

    /**
     * Blocks are about to get other contents, or none: what TRIMs have covered of the old ones is of no interest. To be
     * told before the change, which may fail behind its first part.
     */
    void replaced(ThinDevice device, long from, long to) {
        partialTrims.forget(device, from, to);
    }
}
