package dev.gossamer.thin;

/**
 * What a pool can still do, in degraded order, so that modes compare (rule M-1).
 *
 * <pre>
 *                        reads  write in place  new block  TRIM     FLUSH, FUA                messages
 *  WRITE                 yes    yes             yes        unmaps   commit if needed          all
 *  OUT_OF_DATA_SPACE     yes    yes             wait or    unmaps   commit if needed          all
 *                                               ENOSPC
 *  OUT_OF_METADATA_SPACE yes    yes             ENOSPC     no       EIO if changes were       grow only
 *                                                          effect   lost, else data flush
 *  READ_ONLY             yes    yes             EIO        as above as above                  none
 *  FAIL                  EIO    EIO             EIO        EIO      EIO                       none
 * </pre>
 */
public enum PoolMode {
    /** Everything works. */
    WRITE("rw"),
    /**
     * No data block is free, or only such as other volumes have reserved. Left when a commit, a deletion or growth
     * brings free blocks (M-3).
     */
    OUT_OF_DATA_SPACE("out_of_data_space"),
    /**
     * Free metadata is down to the reserve. Left by growing the metadata device, or by opening the pool again (M-3).
     */
    OUT_OF_METADATA_SPACE("ro"),
    /**
     * A metadata operation failed and was undone; the metadata wants checking (M-2). Left by a check and opening again.
     */
    READ_ONLY("ro"),
    /** Undoing failed as well. Nothing works until the pool is opened again (M-5). */
    FAIL("Fail");

    private final String word;

    PoolMode(String word) {
        this.word = word;
    }

    /** The word in a dm-thin status line. */
    public String word() {
        return word;
    }

    /** Whether the metadata may no longer change. */
    public boolean isMetadataReadOnly() {
        return compareTo(OUT_OF_METADATA_SPACE) >= 0;
    }

    /** Whether this lasts until the pool is opened again: exports of such a pool say that they are read-only (M-9). */
    public boolean isFinal() {
        return compareTo(READ_ONLY) >= 0;
    }
}
