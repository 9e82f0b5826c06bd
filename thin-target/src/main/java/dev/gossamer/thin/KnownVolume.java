package dev.gossamer.thin;

/**
 * What somebody else, who has the pool at other times, knows of a device that the pool itself has no name for (OT-58).
 *
 * @param id thin device id
 * @param name its name there
 * @param sizeBytes its virtual size there
 * @param readOnly writes are refused
 * @param originId the device that it is a snapshot of, or -1
 */
public record KnownVolume(int id, String name, long sizeBytes, boolean readOnly, int originId) {}
