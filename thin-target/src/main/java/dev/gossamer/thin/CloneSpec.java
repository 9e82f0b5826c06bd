package dev.gossamer.thin;

/**
 * What a range clone is to do: give a range of one volume the data of a range of another, or of itself, without
 * copying.
 *
 * @param source name of the volume to take from
 * @param sourceOffset first byte there
 * @param lengthBytes how much; {@link #TO_THE_END} for all from there on
 * @param destination name of the volume that gets it
 * @param destinationOffset first byte there
 * @param atomic all in one transaction, or nothing; for ranges of limited size
 */
public record CloneSpec(
        String source,
        long sourceOffset,
        long lengthBytes,
        String destination,
        long destinationOffset,
        boolean atomic) {
    /** Of {@link #lengthBytes}. */
    public static final long TO_THE_END = -1;
}
