package dev.gossamer.pdata.scan;

/** The trees of a pool's metadata, by what their leaves hold. A node belongs to trees of one kind. */
public enum TreeKind {
    MAPPINGS("mapping tree", 8),
    DEVICES("tree of devices", 8),
    DETAILS("device details", 24),
    DATA_BITMAPS("tree of data bitmaps", 16),
    DATA_COUNTS("tree of large data counts", 4),
    METADATA_COUNTS("tree of large metadata counts", 4);

    private final String text;
    private final int leafValueBytes;

    TreeKind(String text, int leafValueBytes) {
        this.text = text;
        this.leafValueBytes = leafValueBytes;
    }

    public int leafValueBytes() {
        return leafValueBytes;
    }

    @Override
    public String toString() {
        return text;
    }
}
