package dev.gossamer.io;

/** What a {@link BlockRequest} asks of a {@link BlockDevice}. */
public enum BlockOperation {
    /** Fill the request's buffer from the device. */
    READ,
    /** Store the request's buffer on the device. */
    WRITE,
    /** Make every write completed before this request was submitted stable. Has no range. */
    FLUSH,
    /**
     * Tell the device that the range is not needed. Its contents are undefined afterwards, unless the device says more.
     */
    DISCARD,
    /** Make the range read as zeros. Has no buffer. */
    WRITE_ZEROES
}
