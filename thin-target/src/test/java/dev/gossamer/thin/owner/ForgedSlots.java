package dev.gossamer.thin.owner;

import java.util.UUID;

/** An owner block as somebody makes it up who knows how one looks. */
public final class ForgedSlots {
    private final byte[] image = new byte[OwnerBlock.readBytes(OwnerSlot.BYTES)];

    private static OwnerSlot slot(long epoch, long sequence, OwnerSlot.State state) {
        UUID some = new UUID(epoch, 7);
        OwnerProcess process = new OwnerProcess(some, some, 1, 1, 1, "nobody");
        return new OwnerSlot(epoch, sequence, state, some, new UUID(0, 0), process, 2000, 0, 0);
    }

    public ForgedSlots closed(long epoch, long sequence) {
        return half(slot(epoch, sequence, OwnerSlot.State.CLOSED));
    }

    public ForgedSlots running(long epoch, long sequence) {
        return half(slot(epoch, sequence, OwnerSlot.State.RUNNING));
    }

    private ForgedSlots half(OwnerSlot slot) {
        slot.encode(image, (int) (slot.sequence() & 1) * OwnerSlot.BYTES, OwnerSlot.MAGIC_SLOT);
        return this;
    }

    public ForgedSlots door(long epoch) {
        slot(epoch, 1, OwnerSlot.State.RUNNING).encode(image, OwnerBlock.DOOR_OFFSET, OwnerSlot.MAGIC_DOOR);
        slot(epoch, 1, OwnerSlot.State.RUNNING).encode(image, OwnerBlock.CONTENDER_OFFSET, OwnerSlot.MAGIC_CONTENDER);
        return this;
    }

    public byte[] image() {
        return image;
    }
}
