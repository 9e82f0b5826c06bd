package dev.gossamer.daemon.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;

/** Makes a device of what a user calls one. Blocks; not on a loop. */
@FunctionalInterface
public interface NamedDevices {
    /**
     * Opens a device so that nobody else has it, where that can be had.
     *
     * @throws StorageException naming the device, what is wrong and the way out
     */
    BlockDevice open(String pathOrUri, OpenOptions options) throws StorageException;
}
