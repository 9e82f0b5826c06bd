package dev.gossamer.thin.catalog;

/**
 * The device outside the pool that shows through where a volume has nothing mapped (rules ). It is only read,
 * and must never change.
 *
 * @param location a path or an URI, as the user gave it, made absolute
 * @param sizeBytes its size when the volume was made
 * @param sampleChecksum CRC-32C of some of its contents when the volume was made: tells another image in its place, not
 *     every change
 */
public record ExternalOrigin(String location, long sizeBytes, int sampleChecksum) {
    /** What a slot of the catalog has room for. */
    public static final int MAX_LOCATION_BYTES = 264;
}
