package dev.gossamer.pdata.scan;

/** Which kind of tree has a metadata block: one byte each. */
public final class Claims {
    private static final TreeKind[] KINDS = TreeKind.values();

    private final byte[] kinds;

    public Claims(long blocks) {
        kinds = new byte[Math.toIntExact(blocks)];
    }

    /**
     * Claims a block that exists.
     *
     * @return the kind that has it, perhaps since before
     */
    @SuppressWarnings("EnumOrdinal") // What is kept lasts no longer than this object.
    TreeKind claim(long block, TreeKind kind) {
        byte before = kinds[(int) block];
        if (before == 0) {
            kinds[(int) block] = (byte) (kind.ordinal() + 1);
            return kind;
        }
        return KINDS[before - 1];
    }

    /** Whether any tree has the block. */
    public boolean isClaimed(long block) {
        return block >= 0 && block < kinds.length && kinds[(int) block] != 0;
    }
}
