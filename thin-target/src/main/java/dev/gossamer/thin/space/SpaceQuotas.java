package dev.gossamer.thin.space;

import dev.gossamer.io.Invariant;
import dev.gossamer.thin.SizeText;
import dev.gossamer.thin.account.PoolAccount;
import dev.gossamer.thin.account.VolumeAccount;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.Collection;

/**
 * Limits and promises of volumes, looked at when a data block is to be taken (rules S-6, AC-13, AC-14).
 *
 * <p>A reservation is a promise that writes find space, whatever snapshots are taken: at any moment the unused blocks
 * are at least as many as all volumes together need ({@link VolumeAccount}). Unused are those that a commit makes
 * allocatable as well; who finds only such waits for that. A volume in need takes a block, and needs one less; whoever
 * is not leaves as many as are needed.
 *
 * <p>Promises may come to more than is unused: another program has written the pool, or own blocks have not been
 * counted yet. Then who is in need takes what there is, first come, first served, or they would keep each other from
 * it; but while blocks are being counted only those whose need is certain, and the others wait for that. What is more
 * than all the pool has is nobody's promise, and keeps nothing from anybody. Worker's thread.
 */
public final class SpaceQuotas {
    private final PoolMetadata metadata;
    private final PoolAccount account;
    private final PoolDevices devices;
    private final long emergencyBlocks;
    // Moves under way; at most one for each job.
    private int moves;

    /** @param emergencyBytes what only critical volumes may take */
    public SpaceQuotas(PoolMetadata metadata, PoolDevices devices, long emergencyBytes) {
        this.emergencyBlocks = Math.ceilDiv(emergencyBytes, (long) metadata.blockBytes());
        this.metadata = metadata;
        this.devices = devices;
        this.account = devices.account();
    }

    /** Whether the volume may not map one block more. */
    boolean isAtLimit(ThinDevice device) {
        long limit = device.limits().limitBytes();
        return limit > 0 && (device.takenBlocks() + 1) * metadata.blockBytes() > limit;
    }

    /** Whether there is an unused block that the volume may take, now or after a commit. */
    boolean mayTake(ThinDevice device) {
        long unused = metadata.dataBlocksUnused();
        long kept = neededBlocks() + (device.limits().critical() ? 0 : emergencyBlocks);
        return isInNeed(device) ? unused > 0 : unused > kept;
    }

    /** Whether the volume may take a block now. */
    public boolean hasRoom(ThinDevice device) {
        return metadata.dataBlocksFree() > 0 && mayTake(device);
    }

    private boolean isInNeed(ThinDevice device) {
        VolumeAccount its = device.account();
        return its.isInNeed(device.mappedBlocks())
                || (its.need() > 0 && metadata.dataBlocksUnused() >= account.neededBlocks());
    }

    /** Why unused blocks are not for everybody (AC-17). */
    String whoHasIt() {
        String emergency = emergencyBlocks == 0
                ? ""
                : ", " + SizeText.of(emergencyBlocks * metadata.blockBytes()) + " kept for critical ones";
        return "all free space is promised: " + SizeText.of(neededBlocks() * metadata.blockBytes())
                + " to volumes that have it reserved" + emergency;
    }

    /** Whether the volume has to wait until it is known what volumes need. */
    public boolean isCounting() {
        return account.isCounting();
    }

    /** Free blocks that only critical volumes may take, besides what is needed. */
    public long emergencyBlocks() {
        return emergencyBlocks;
    }

    /** As {@link #spareNow}, for the pool itself: the emergency reserve is for it, too. */
    public long spareForPool() {
        return spareNow() + emergencyBlocks;
    }

    /** Blocks that can be taken now by anybody, and that no volume needs; perhaps below 0. */
    public long spareNow() {
        return Math.min(metadata.dataBlocksFree() - emergencyBlocks, spare());
    }

    /** Unused blocks that anybody may take; below 0 if there is none even for the emergency reserve, or a promise. */
    public long spare() {
        return metadata.dataBlocksUnused() - neededBlocks() - emergencyBlocks;
    }

    /** As {@link #spareNow}, for one volume: what it needs itself is there for it. */
    public long spareFor(ThinDevice device) {
        return spareNow() + (isImpossible() ? 0 : device.account().need());
    }

    /** Blocks that volumes need and that are not there, as after another program has written the pool. */
    public long missingBlocks() {
        return isCounting() ? 0 : Math.max(0, neededBlocks() - metadata.dataBlocksUnused());
    }

    /** Blocks that volumes need of those that are unused. */
    public long neededBlocks() {
        return isImpossible() ? 0 : account.neededBlocks();
    }

    /** Blocks that it takes more if nothing of these volumes is their own any more, as after a snapshot. */
    public static long neededAfterSharing(Collection<ThinDevice> sharing) {
        long more = 0;
        for (ThinDevice device : sharing) {
            more += device.account().promised() - device.account().need();
        }
        return more;
    }

    /** Whether volumes need more together than the pool has. */
    public boolean isImpossible() {
        return !account.isCounting() && account.neededBlocks() > metadata.dataBlocks();
    }

    /** Free data blocks are taken to move others there: as many come back, for whoever finds none meanwhile. */
    public void beginMove() {
        moves++;
    }

    /** The targets are mapped or given back: {@link SpaceWaiters#spaceReleased} has those who wait look again. */
    public void endMove() {
        Invariant.check(moves > 0, "ended a move that was not begun");
        moves--;
    }

    /** Whether blocks come back from a move. */
    boolean isMoving() {
        return moves > 0;
    }

    /** Whether the sum that is kept is what a walk over all volumes finds; for assertions. */
    boolean isRight() {
        return devices.isNeedRight();
    }
}
