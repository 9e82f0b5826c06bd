package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * What somebody else, who has the pool at other times, knows of a device that the pool itself has no name for (OT-58).
 *
 * @param id thin device id
 * @param name its name there
 * @param sizeBytes its virtual size there
 * @param readOnly writes are refused
 * @param originId the device that it is a snapshot of, or -1
 * @param origin what shows through where it has nothing mapped; null: zeros
 */
public record KnownVolume(int id, String name, long sizeBytes, boolean readOnly, int originId, Origin origin) {
    /**
     * An external origin.
     *
     * @param location where it is here, a path or a URI
     * @param name its name there
     * @param sizeBytes its size there
     */
    public record Origin(String location, String name, long sizeBytes) {
        /** Refuses what has another size than the origin. */
        public void check(long foundBytes) throws StorageException {
            if (foundBytes != sizeBytes) {
                throw new StorageException(
                        Errno.EINVAL,
                        location + " has " + foundBytes + " bytes, the external origin " + name + " has " + sizeBytes
                                + ": it is something else");
            }
        }
    }
}
