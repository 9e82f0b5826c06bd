package dev.gossamer.nbd.transmission;

/** Extents that a test writes down as lengths and flags in turn. */
public final class TestExtents implements ReplyEncoder.Extents {
    private final long[] lengthsAndFlags;

    private TestExtents(long[] lengthsAndFlags) {
        this.lengthsAndFlags = lengthsAndFlags;
    }

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
