package dev.gossamer.thin;

/**
 * Neighbouring blocks of the data device that are neighbours in a volume as well.
 *
 * @param owner name of the volume; of one that was deleted and is being reclaimed, or of the catalog, in angle brackets
 * @param dataOffset first byte on the data device
 * @param lengthBytes how much; 0: the owner's metadata is damaged, and what it has there beside other runs is unknown
 * @param volumeOffset first byte in the volume
 */
public record OwnedRun(String owner, long dataOffset, long lengthBytes, long volumeOffset) {}
