package dev.gossamer.thin;

/** What a pool can still do, in degraded order, so that modes compare (rule M-1). */
public enum PoolMode {
    /** Everything works. */
    WRITE("rw"),
    /** No free data block: reads, writes in place and trims go on; a write that needs a block gets ENOSPC. */
    OUT_OF_DATA_SPACE("out_of_data_space"),
    /** Metadata is frozen: reads and writes in place go on, what would change a mapping gets EIO. */
    READ_ONLY("ro"),
    /** Nothing works until the pool is opened again. */
    FAIL("Fail");

    private final String word;

    PoolMode(String word) {
        this.word = word;
    }

    /** The word in a dm-thin status line. */
    public String word() {
        return word;
    }
}
