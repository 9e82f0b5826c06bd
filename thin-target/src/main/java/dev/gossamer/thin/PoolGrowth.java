package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * Makes the devices of a pool larger: a file is extended, a block device can only be looked at again. Called on the
 * worker's thread; may wait for the system. The next flush of the device makes the new size stable.
 */
public interface PoolGrowth {
    /** Devices that keep the size they have. */
    PoolGrowth NONE = new PoolGrowth() {
        @Override
        public long data(long atLeastBytes) throws StorageException {
            throw cannot();
        }

        @Override
        public long metadata(long atLeastBytes) throws StorageException {
            throw cannot();
        }

        private StorageException cannot() {
            return new StorageException(Errno.EOPNOTSUPP, "the devices of this pool cannot grow");
        }
    };

    /**
     * Makes the data device at least so large, and tells how large it is then.
     *
     * @param atLeastBytes 0 = only look
     * @throws StorageException with the way out, if it cannot be that large; its size is unchanged then
     */
    long data(long atLeastBytes) throws StorageException;

    /**
     * The pool uses no more than so many bytes of the data device, which may be cut: a file is, a device is left alone.
     *
     * @throws StorageException if it cannot be cut; it is larger than the pool then, which does no harm
     */
    default void dataShrunk(long toBytes) throws StorageException {}

    /** As {@link #data}, for the metadata device. */
    long metadata(long atLeastBytes) throws StorageException;
}
