package dev.gossamer.nbd.transmission;

/** Extents that a test writes down as lengths and flags in turn. */
public record TestExtents(long[] lengthsAndFlags) implements ReplyEncoder.Extents {
    public static TestExtents of(long... lengthsAndFlags) {
        return new TestExtents(lengthsAndFlags);
    }

    @Override
    public long lengthBytes(int index) {
        return lengthsAndFlags[2 * index];
    }

    @Override
    public int flags(int index) {
        return (int) lengthsAndFlags[2 * index + 1];
    }
}
