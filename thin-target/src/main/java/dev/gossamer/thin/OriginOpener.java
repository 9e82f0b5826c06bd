package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;

/** Opens the external origins that a pool's volumes were made over, when the pool has been opened. */
public interface OriginOpener {
    /**
     * Opens a device for reading only. May wait.
     *
     * @param location a path or an URI, as it was given when the volume was made
     * @throws StorageException naming the device and what is wrong; the volumes over it fail then, the pool does not
     */
    BlockDevice open(String location) throws StorageException;

    /**
     * Has a device opened where that may wait: not on the pool's worker, which calls this, unless opening never waits.
     * A few are opened at once.
     */
    default void execute(Runnable opening) {
        opening.run();
    }
}
