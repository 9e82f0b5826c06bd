package dev.gossamer.thin;

/** What becomes of a TRIM (the features ignore_discard and no_discard_passdown of dm-thin). */
public enum DiscardMode {
    /** Blocks are unmapped, and those that nobody else uses are discarded on the data device. */
    PASSDOWN("passdown", "discard_passdown"),
    /** Blocks are unmapped; the data device is not told. */
    NO_PASSDOWN("no-passdown", "no_discard_passdown"),
    /** Volumes cannot be trimmed: TRIM is not offered, and refused with ENOTSUP. */
    IGNORE("ignore", "ignore_discard");

    private final String option;
    private final String word;

    DiscardMode(String option, String word) {
        this.option = option;
        this.word = word;
    }

    /** How a pool's configuration says it. */
    public String option() {
        return option;
    }

    /** The word in a dm-thin status line. */
    public String word() {
        return word;
    }

    /** The mode of that name, or null. */
    public static DiscardMode ofOption(String name) {
        for (DiscardMode mode : values()) {
            if (mode.option.equals(name)) {
                return mode;
            }
        }
        return null;
    }

    /**
     * What a request for this mode comes to on a data device (rule F-1): without discards, or with granules larger than
     * a block, nothing can be passed down.
     */
    public DiscardMode effective(long discardBytes, int blockBytes) {
        return this == PASSDOWN && (discardBytes == 0 || discardBytes > blockBytes) ? NO_PASSDOWN : this;
    }
}
