package dev.gossamer.thin.commit;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * How messages change metadata: not once it is frozen (MSG-3), not when it may run out of space half way, and durable
 * before the answer (MSG-2). Worker's thread, while no commit is being written.
 */
public final class MetadataChange {
    /** A step of a message that changes metadata. */
    public interface Step {
        void apply() throws StorageException;
    }

    private final PoolMetadata metadata;
    private final PoolState state;
    private final PoolFaults faults;
    private final Committer committer;

    public MetadataChange(PoolMetadata metadata, PoolState state, PoolFaults faults, Committer committer) {
        this.metadata = metadata;
        this.state = state;
        this.faults = faults;
        this.committer = committer;
    }

    /** EROFS, with the reason, once the metadata may not change any more. */
    public void checkAllowed() throws StorageException {
        if (state.isMetadataReadOnly()) {
            throw new StorageException(
                    Errno.EROFS, "the pool is " + state.mode().word() + ": " + state.cause());
        }
    }

    /** As {@link #checkWritable(int)}, for a change of one device. */
    public void checkWritable() throws StorageException {
        checkWritable(1);
    }

    /**
     * As {@link #checkAllowed}, and ENOSPC if there is no metadata left for a change that takes some, of so many
     * devices.
     */
    public void checkWritable(int devices) throws StorageException {
        checkRoom(() -> !metadata.isNearlyFull() && metadata.room().hasForMessage(devices));
    }

    /** As {@link #checkAllowed}, and ENOSPC if even the reserve does not do for a deletion, in steps or at once. */
    public void checkDeletable(ThinDevice device) throws StorageException {
        checkRoom(() -> metadata.room().hasForDeletion(device.id()));
    }

    /** Likewise for letting go of the metadata snapshot and so few mappings that only it has. */
    public void checkReleasable(int fewMappings) throws StorageException {
        checkRoom(() -> metadata.room().hasForRelease(fewMappings));
    }

    /** Likewise for keeping a tree of the metadata snapshot, before that is let go of. */
    public void checkKeepable() throws StorageException {
        checkRoom(() -> metadata.room().hasForKeeping());
    }

    private interface Question {
        boolean isThere() throws StorageException;
    }

    /** A message must not fail half way for want of space: that would cost the whole transaction. */
    private void checkRoom(Question room) throws StorageException {
        checkAllowed();
        if (!room.isThere() && metadata.isChanged()) {
            // What the open transaction has used up comes back with its commit (S-3).
            commit();
            checkAllowed();
        }
        if (!room.isThere()) {
            throw new StorageException(
                    Errno.ENOSPC, "the metadata device is nearly full; delete volumes or snapshots, or enlarge it");
        }
    }

    /**
     * Lets nobody see a device of which something is not known that it cannot be served without.
     *
     * @param why what, and the way out
     */
    public void bar(ThinDevice device, String why) {
        device.bar();
        faults.failed(device, new MetadataCorrupt(why));
    }

    /**
     * Refuses a change of a volume whose metadata is damaged, as far as that shows on the way to its mappings: to
     * follow what is wrong there could take away what other volumes have.
     */
    public void checkSound(ThinDevice device) throws StorageException {
        if (device.damage() == null) {
            try {
                metadata.life().checkDevice(device.id());
            } catch (MetadataCorrupt e) {
                faults.failed(device, e);
            }
        }
        if (device.damage() != null) {
            throw new MetadataCorrupt("volume " + device.name() + " is damaged (" + device.damage()
                    + "); close the pool and run thin_check, then thin_repair, on its metadata");
        }
    }

    /**
     * As {@link #commit(Step)}, for a step that looks at all it needs of a volume's metadata before it changes any:
     * damage that is met there refuses the step, and nothing is aborted.
     */
    public void commit(ThinDevice device, Step step) throws StorageException {
        long mark = metadata.changeMark();
        try {
            step.apply();
        } catch (MetadataCorrupt e) {
            if (metadata.changeMark() == mark) {
                faults.failed(device, e);
                checkSound(device);
            }
            faults.abort(e);
            throw e;
        } catch (StorageException e) {
            faults.abort(e);
            throw e;
        }
        commit();
    }

    /** Applies without committing. A failure that has changed nothing is the caller's; any other aborts (E-1). */
    public void begin(Step step) throws StorageException {
        try {
            step.apply();
            committer.changed();
        } catch (StorageException e) {
            if (metadata.isHalfChanged() || e.errno() != Errno.ENOSPC) {
                faults.abort(e);
            }
            throw e;
        }
    }

    /** Applies and commits; a failure aborts the transaction, for it may be half done (E-1). */
    public void commit(Step step) throws StorageException {
        try {
            step.apply();
        } catch (StorageException e) {
            faults.abort(e);
            throw e;
        }
        commit();
    }

    /** Commits what is open. */
    public void commit() throws StorageException {
        committer.commitNow();
    }
}
