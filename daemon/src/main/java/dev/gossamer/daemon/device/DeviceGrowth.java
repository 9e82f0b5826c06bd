package dev.gossamer.daemon.device;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.thin.PoolGrowth;

/** Grows a pool's files, and sees how large its other devices are. On the pool's worker. */
public record DeviceGrowth(BlockDevice metadataDevice, BlockDevice dataDevice) implements PoolGrowth {
    @Override
    public long data(long atLeastBytes) throws StorageException {
        return grow(dataDevice, atLeastBytes);
    }

    @Override
    public long metadata(long atLeastBytes) throws StorageException {
        long bytes = grow(metadataDevice, atLeastBytes);
        MetadataSpace.take(metadataDevice);
        return bytes;
    }

    @Override
    public void dataShrunk(long toBytes) throws StorageException {
        if (dataDevice instanceof PosixDevice file) {
            file.cut(toBytes);
        }
    }

    private static long grow(BlockDevice device, long atLeastBytes) throws StorageException {
        if (device instanceof PosixDevice file) {
            return file.grow(atLeastBytes);
        }
        long present = device.geometry().sizeBytes();
        if (present < atLeastBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    device + " has " + present + " bytes; enlarge it where it is served, then start again");
        }
        return present;
    }
}
