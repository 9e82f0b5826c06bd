package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.SizeText;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.Collection;
import java.util.stream.Collectors;

/**
 * Refuses what would break a promise of space, with the figures and the way out (rules AC-14, AC-17). Worker's thread.
 */
public final class PromiseChecks {
    private final PoolMetadata metadata;
    private final SpaceQuotas quotas;
    private final Reclaimer reclaimer;

    public PromiseChecks(PoolMetadata metadata, SpaceQuotas quotas, Reclaimer reclaimer) {
        this.metadata = metadata;
        this.quotas = quotas;
        this.reclaimer = reclaimer;
    }

    /** As the other, if no more is promised to them than before. */
    public void checkSharing(String what, Collection<ThinDevice> sharing) throws StorageException {
        checkSharing(what, sharing, 0);
    }

    /**
     * Refuses to make all that these volumes have another's as well: what is promised to them would be needed again.
     * Their writes are at rest, or cannot begin before the change.
     *
     * @param what is refused: "cannot snapshot db"
     * @param promisedMore blocks that are promised to them besides, from then on
     */
    public void checkSharing(String what, Collection<ThinDevice> sharing, long promisedMore) throws StorageException {
        long more = SpaceQuotas.neededAfterSharing(sharing) + promisedMore;
        long spare = quotas.spare();
        if (more > 0 && more > spare) {
            String who = sharing.stream()
                    .filter(each -> each.account().promised() > 0)
                    .map(ThinDevice::name)
                    .collect(Collectors.joining(", "));
            throw refused(what + ": " + size(more) + " of what is promised to " + who + " would be needed again; "
                    + size(spare) + " are free and not promised; lower the reserve, delete volumes or grow the pool");
        }
    }

    /**
     * Refuses a promise that cannot be kept.
     *
     * @param device null: one that has nothing yet
     * @param name its name
     * @param promised in blocks
     */
    public void checkPromise(ThinDevice device, String name, long promised) throws StorageException {
        long need = device == null ? promised : device.account().needWith(promised);
        long more = need - (device == null ? 0 : device.account().need());
        if (more > 0 && more > quotas.spare()) {
            throw refused("cannot promise " + size(need) + " more to " + name + ": " + size(quotas.spare())
                    + " are free and not promised; lower the reserve, delete volumes or grow the pool");
        }
    }

    /** As the other, for the promise that limits make. */
    public void checkPromise(ThinDevice device, VolumeLimits limits) throws StorageException {
        checkPromise(device, device.name(), device.promiseOf(limits));
    }

    /**
     * How many blocks of a volume may be unmapped from now on with their promise kept: as long as something else may
     * have them as well they are needed again, and do not come free.
     *
     * @param wanted at least 1
     * @return perhaps 0
     */
    public long unmappable(ThinDevice device, long wanted) {
        // What is being reclaimed may have been kept of a metadata snapshot, and have the block as well.
        boolean comesFree = !metadata.references().moves().keepsFreed() && reclaimer.pendingVolumes() == 0;
        return comesFree || device.account().promised() == 0
                ? wanted
                : Math.clamp(quotas.spare() + quotas.emergencyBlocks(), 0, wanted);
    }

    private StorageException refused(String why) {
        return quotas.isCounting()
                ? new StorageException(
                        Errno.ENOSPC, why + "; what volumes have is still being counted, try again in a moment")
                : new StorageException(Errno.ENOSPC, why);
    }

    private String size(long blocks) {
        return SizeText.of(Math.max(0, blocks) * metadata.blockBytes());
    }
}
