package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;

/**
 * Opens the external origins that a pool's volumes were made over. On the pool's worker, while the pool is being
 * opened.
 */
public interface OriginOpener {
    /**
     * Opens a device for reading only.
     *
     * @param location a path or an URI, as it was given when the volume was made
     * @throws StorageException naming the device and what is wrong; the volumes over it fail then, the pool does not
     */
    BlockDevice open(String location) throws StorageException;
}
