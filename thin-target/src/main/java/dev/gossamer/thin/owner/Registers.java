package dev.gossamer.thin.owner;

import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;

/**
 * What an {@link OwnerBlock} holds.
 *
 * @param slot of the present or last owner; null if there was none, or both halves are damaged
 * @param contender null likewise
 * @param door null likewise
 * @param image the bytes that were read; not changed
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by what it says, see sameAs.
record Registers(OwnerSlot slot, OwnerSlot contender, OwnerSlot door, byte[] image) {
    private static final long LAST_EPOCH = -1;

    static Registers decode(byte[] image) {
        OwnerSlot even = OwnerSlot.decode(image, 0, OwnerSlot.MAGIC_SLOT);
        OwnerSlot odd = OwnerSlot.decode(image, OwnerSlot.BYTES, OwnerSlot.MAGIC_SLOT);
        return new Registers(
                OwnerSlot.inForce(even, odd),
                OwnerSlot.decode(image, OwnerBlock.CONTENDER_OFFSET, OwnerSlot.MAGIC_CONTENDER),
                OwnerSlot.decode(image, OwnerBlock.DOOR_OFFSET, OwnerSlot.MAGIC_DOOR),
                image);
    }

    boolean sameAs(Registers other) {
        return Objects.equals(slot, other.slot)
                && Objects.equals(contender, other.contender)
                && Objects.equals(door, other.door);
    }

    long slotEpoch() {
        return slot == null ? 0 : slot.epoch();
    }

    long doorEpoch() {
        return door == null ? 0 : door.epoch();
    }

    /** Whether somebody has gone through the door and is not the owner yet, or never became it. */
    boolean isBeingClaimed() {
        return Long.compareUnsigned(doorEpoch(), slotEpoch()) > 0;
    }

    /** Whether there is an epoch left that nobody has used: a daemon never gets to the last. */
    boolean hasNextEpoch() {
        return highestEpoch() != LAST_EPOCH;
    }

    /** The first epoch that nobody has used. */
    long nextEpoch() {
        return highestEpoch() + 1;
    }

    private long highestEpoch() {
        return isBeingClaimed() ? doorEpoch() : slotEpoch();
    }

    /**
     * The same without what was not written for this superblock: in a block that nobody refers to yet, a guest may have
     * left anything.
     */
    Registers of(UUID basis) {
        byte[] clean = image.clone();
        for (int at : new int[] {0, OwnerSlot.BYTES, OwnerBlock.CONTENDER_OFFSET, OwnerBlock.DOOR_OFFSET}) {
            OwnerSlot found = OwnerSlot.decode(clean, at, OwnerBlock.magicAt(at));
            if (found == null || !found.basis().equals(basis)) {
                Arrays.fill(clean, at, at + OwnerSlot.BYTES, (byte) 0);
            }
        }
        return decode(clean);
    }
}
