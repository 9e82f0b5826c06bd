package dev.gossamer.pdata.block;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.buffer.IoBuffer;
import net.openhft.chronicle.bytes.PointerBytesStore;

/**
 * One cached metadata block of 4 KiB, little-endian. Every offset is checked here and nowhere else.
 *
 * <p>Life cycle: CLEAN (as on disk; may be evicted by any later call on the {@link BlockManager}) or DIRTY (made or
 * shadowed in the running transaction, writable, stays) → FROZEN (handed over for writing, read-only, stays) → CLEAN. A
 * caller that changes other blocks in between keeps a clean block's location, not the object: an evicted block fails
 * every access.
 *
 * <p>Memory is Chronicle's {@link PointerBytesStore} over a page of ours: its own memory is not page aligned, which
 * O_DIRECT needs, and its absolute accessors do not look at bounds.
 */
public final class MetadataBlock {
    public static final int BYTES = 4096;
    /** Metadata blocks begin with checksum, a field of their kind and their own number. */
    public static final int HEADER_BYTES = 16;

    enum State {
        CLEAN,
        DIRTY,
        FROZEN,
        EVICTED
    }

    private final PointerBytesStore memory;
    private final long location;
    private final BlockValidator validator;
    private State state;
    // The owner that has looked at its shape since it was loaded; null: none has.
    private Object checkedBy;
    // What may be accessed: all of it, or nothing once evicted, so that one comparison checks both.
    private int limitBytes = BYTES;

    final Frame frame;
    /** Next block of the same hash bucket. */
    MetadataBlock nextInBucket;
    /** Position in the list of dirty blocks, while in it. */
    int dirtyIndex;
    /** Second chance of the clock. */
    boolean touched = true;

    MetadataBlock(Frame frame, long location, BlockValidator validator, State state) {
        this.frame = frame;
        this.memory = frame.memory;
        this.location = location;
        this.validator = validator;
        this.state = state;
    }

    /** Number of this block on the metadata device. */
    public long location() {
        return location;
    }

    public BlockValidator validator() {
        return validator;
    }

    /** Whether this block was made or shadowed in the running transaction, and so may be changed. */
    public boolean isWritable() {
        return state == State.DIRTY;
    }

    /** Whether this owner has looked at the block's contents since it was loaded. */
    @SuppressWarnings("ReferenceEquality") // The one that checked it, and not one like it.
    public boolean isCheckedBy(Object owner) {
        return checkedBy == owner;
    }

    /** Only the last owner is remembered: a block has one, unless the metadata is damaged. */
    public void markCheckedBy(Object owner) {
        checkedBy = owner;
    }

    public int getInt(int offsetBytes) {
        checkRange(offsetBytes, Integer.BYTES);
        return memory.readInt(offsetBytes);
    }

    public long getLong(int offsetBytes) {
        checkRange(offsetBytes, Long.BYTES);
        return memory.readLong(offsetBytes);
    }

    public void putInt(int offsetBytes, int value) {
        checkWritable();
        checkRange(offsetBytes, Integer.BYTES);
        memory.writeInt(offsetBytes, value);
    }

    public void putLong(int offsetBytes, long value) {
        checkWritable();
        checkRange(offsetBytes, Long.BYTES);
        memory.writeLong(offsetBytes, value);
    }

    /** Copies {@code target.length} bytes out. */
    public void getBytes(int offsetBytes, byte[] target) {
        checkRange(offsetBytes, target.length);
        memory.read(offsetBytes, target, 0, target.length);
    }

    public void putBytes(int offsetBytes, byte[] source) {
        checkWritable();
        checkRange(offsetBytes, source.length);
        memory.write(offsetBytes, source, 0, source.length);
    }

    /** Copies a range within the block; the two places may overlap. */
    public void move(int fromOffsetBytes, int toOffsetBytes, int lengthBytes) {
        checkWritable();
        checkRange(fromOffsetBytes, lengthBytes);
        checkRange(toOffsetBytes, lengthBytes);
        if (lengthBytes > 0) {
            memory.move(fromOffsetBytes, toOffsetBytes, lengthBytes);
        }
    }

    /** Copies a range of another block. */
    public void copyFrom(MetadataBlock source, int sourceOffsetBytes, int offsetBytes, int lengthBytes) {
        checkWritable();
        source.checkRange(sourceOffsetBytes, lengthBytes);
        checkRange(offsetBytes, lengthBytes);
        if (lengthBytes > 0) {
            memory.write(offsetBytes, source.memory, sourceOffsetBytes, lengthBytes);
        }
    }

    /** Becomes a copy of another block, all but the location. Who has checked the source has checked the copy. */
    public void copyFrom(MetadataBlock source) {
        copyFrom(source, 0, 0, BYTES);
        checkedBy = source.checkedBy;
    }

    /** Copies the whole block out, to be written from there. */
    void copyTo(IoBuffer target, int targetOffsetBytes) {
        checkRange(0, BYTES);
        target.copyFrom(targetOffsetBytes, frame.slab, frame.slabOffsetBytes, BYTES);
    }

    /** Sets a range to zero. */
    public void zero(int offsetBytes, int lengthBytes) {
        checkWritable();
        checkRange(offsetBytes, lengthBytes);
        memory.zeroOut(offsetBytes, offsetBytes + (long) lengthBytes);
    }

    State state() {
        return state;
    }

    void setState(State newState) {
        state = newState;
        if (newState == State.EVICTED) {
            limitBytes = 0;
        }
    }

    private void checkRange(int offsetBytes, int lengthBytes) {
        if ((offsetBytes | lengthBytes) < 0 || lengthBytes > limitBytes - offsetBytes) {
            throw new AssertionError("metadata block " + location + ": access at " + offsetBytes + "+" + lengthBytes
                    + " outside its " + limitBytes + " bytes");
        }
    }

    private void checkWritable() {
        Invariant.check(state == State.DIRTY, "metadata block changed outside its transaction");
    }

    @Override
    public String toString() {
        return validator + " at metadata block " + location;
    }
}
