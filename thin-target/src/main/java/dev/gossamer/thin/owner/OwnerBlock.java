package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.thin.catalog.Catalog;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * The place on the data device where owners are written (OP-11, section B.2 of the operations rules): catalog slot
 * 2^24, behind the last that a device id can have.
 *
 * <pre>
 *  offset size
 *       0  512  half of the slot, for even sequences
 *     512  512  half of the slot, for odd ones
 *    4096  512  contender: who was the last to begin a claim
 *    8192  512  door: the last claim behind which nobody else is let in
 * </pre>
 *
 * <p>The slot's halves are written in turn: a torn write leaves the other. Contender and door must be sectors of their
 * own, see {@link OwnerClaim}. On the ownership's loop.
 */
final class OwnerBlock {
    static final int CONTENDER_OFFSET = 4096;
    static final int DOOR_OFFSET = 8192;
    private static final int USED_BYTES = 12 << 10;

    private final LoopIo io;
    private final long offsetBytes;
    private final int alignmentBytes;
    // Null if the catalog has the block.
    private final UUID basis;

    /** @param basis what is to be believed must have been written for this superblock; null: everything is believed */
    OwnerBlock(LoopIo io, BlockDevice data, long offsetBytes, UUID basis) {
        this.io = io;
        this.offsetBytes = offsetBytes;
        this.basis = basis;
        this.alignmentBytes = Math.max(OwnerSlot.BYTES, data.geometry().alignmentBytes());
    }

    /** Whether contender and door can be written each without the other. */
    boolean hasSeparateRegisters() {
        return alignmentBytes <= DOOR_OFFSET - CONTENDER_OFFSET;
    }

    static boolean contains(long blockOffsetBytes, long offsetBytes) {
        return offsetBytes >= blockOffsetBytes && offsetBytes < blockOffsetBytes + Catalog.OWNER_BYTES;
    }

    /** Bytes to read for everything, on a device of this alignment. */
    static int readBytes(int alignmentBytes) {
        return Math.max(USED_BYTES, alignmentBytes);
    }

    CompletableFuture<Registers> read(BlockDevice through) {
        return io.read(through, offsetBytes, readBytes(alignmentBytes))
                .thenApply(Registers::decode)
                .thenApply(found -> basis == null ? found : found.of(basis));
    }

    /** In a block that the catalog has yet to get, over both halves: the other one will be believed, too. */
    CompletableFuture<byte[]> writeSlot(BlockDevice through, Registers present, OwnerSlot slot) {
        int half = (int) (slot.sequence() & 1) * OwnerSlot.BYTES;
        int from = basis == null ? half : 0;
        int end = basis == null ? half + OwnerSlot.BYTES : 2 * OwnerSlot.BYTES;
        return write(through, present, from, end, half, slot, OwnerSlot.MAGIC_SLOT);
    }

    /** Nobody was ever here. */
    CompletableFuture<byte[]> clear(BlockDevice through, Registers present) {
        return io.write(through, offsetBytes, new byte[present.image().length]);
    }

    CompletableFuture<byte[]> writeContender(BlockDevice through, Registers present, OwnerSlot slot) {
        return write(through, present, CONTENDER_OFFSET, slot, OwnerSlot.MAGIC_CONTENDER);
    }

    CompletableFuture<byte[]> writeDoor(BlockDevice through, Registers present, OwnerSlot slot) {
        return write(through, present, DOOR_OFFSET, slot, OwnerSlot.MAGIC_DOOR);
    }

    static long magicAt(int at) {
        return switch (at) {
            case CONTENDER_OFFSET -> OwnerSlot.MAGIC_CONTENDER;
            case DOOR_OFFSET -> OwnerSlot.MAGIC_DOOR;
            default -> OwnerSlot.MAGIC_SLOT;
        };
    }

    private CompletableFuture<byte[]> write(
            BlockDevice through, Registers present, int at, OwnerSlot slot, long magic) {
        return write(through, present, at, at + OwnerSlot.BYTES, at, slot, magic);
    }

    // What shares the device's smallest unit with it is written as it was read.
    private CompletableFuture<byte[]> write(
            BlockDevice through, Registers present, int first, int end, int at, OwnerSlot slot, long magic) {
        int from = first & -alignmentBytes;
        int bytes = Math.ceilDiv(end - from, alignmentBytes) * alignmentBytes;
        byte[] units = Arrays.copyOfRange(present.image(), from, from + bytes);
        slot.encode(units, at - from, magic);
        return io.write(through, offsetBytes + from, units);
    }
}
