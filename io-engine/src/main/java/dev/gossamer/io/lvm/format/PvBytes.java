package dev.gossamer.io.lvm.format;

import dev.gossamer.io.StorageException;

/** A device that may be a physical volume, as it is looked at. Its string names it for the user. */
public interface PvBytes {
    long sizeBytes();

    /**
     * Reads a range, which lies inside the device.
     *
     * @throws StorageException if the device cannot
     */
    byte[] read(long offsetBytes, int lengthBytes) throws StorageException;
}
