package dev.gossamer.thin.space;

import dev.gossamer.io.Invariant;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Limits and reservations of volumes, looked at when a data block is to be taken (rule S-6).
 *
 * <p>Both count mapped blocks and blocks being prepared to be mapped. A reservation that is not used up yet is free
 * space that only its volume may take. Reservations may come to more than is free: a volume trims what a snapshot still
 * has, replaces shared blocks, or another program has written the catalog. Then who has one takes what there is, first
 * come, first served, or they would keep each other from it. What is more than all the pool has is nobody's promise,
 * and keeps nothing from anybody. Worker's thread.
 */
public final class SpaceQuotas {
    private final PoolMetadata metadata;
    private final PoolDevices devices;
    // Moves under way; at most one for each job.
    private int moves;

    public SpaceQuotas(PoolMetadata metadata, PoolDevices devices) {
        this.metadata = metadata;
        this.devices = devices;
    }

    /** Whether the volume may not map one block more. */
    boolean isAtLimit(ThinDevice device) {
        long limit = device.limits().limitBytes();
        return limit > 0 && (device.takenBlocks() + 1) * metadata.blockBytes() > limit;
    }

    /**
     * Whether there is a free block that the volume may take.
     *
     * @param provisions to map it where nothing is, and not to replace a shared one: a reservation is for that
     */
    public boolean hasRoom(ThinDevice device, boolean provisions) {
        long free = metadata.dataBlocksFree();
        return free > reservedExcept(device) || (provisions && device.heldBack() > 0 && free > 0);
    }

    /** Free data blocks that nobody has reserved. */
    public long unreservedFree() {
        return metadata.dataBlocksFree() - reservedExcept(null);
    }

    /** Blocks that volumes other than this one hold back; of all volumes if it is null. */
    public long reservedExcept(ThinDevice device) {
        return isImpossible() ? 0 : devices.reservedBlocks() - (device == null ? 0 : device.heldBack());
    }

    /** Whether volumes have more reserved together than the pool has. */
    public boolean isImpossible() {
        return devices.reservedBlocks() > metadata.dataBlocks();
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
        return devices.isReservedRight();
    }
}
