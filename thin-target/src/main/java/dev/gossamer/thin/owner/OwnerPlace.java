package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.metadata.SurveyFindings;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.UUID;

/**
 * Where a pool's owner slot is, found by looking, before anybody may write: in the catalog, or, in a pool that has none
 * yet, in the data block that it is going to get. All who look at one superblock come to the same block.
 *
 * @param superblock block 0 of the metadata device, as it was while this was found out
 * @param offsetBytes on the data device; {@link #NONE} if there is no slot and none can be made, for want of space or
 *     because the metadata must not be changed
 * @param mapped whether the catalog has the block
 * @param unused whether the pool has no volume yet, so that nobody can be using it
 * @param findings of the look through metadata that another program wrote
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares places.
public record OwnerPlace(byte[] superblock, long offsetBytes, boolean mapped, boolean unused, SurveyFindings findings) {
    /** What the superblock is known by: nobody can write a slot for one that has yet to be. */
    UUID basis() {
        try {
            ByteBuffer digest =
                    ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(superblock));
            return new UUID(digest.getLong(), digest.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java runtime has SHA-256", e);
        }
    }

    /** No place for a slot. */
    public static final long NONE = -1;

    /** The walk to the catalog and through the list of devices needs no more. */
    private static final int CACHE_BLOCKS = 256;

    /** The slot's block, and one for the catalog itself. */
    private static final int BLOCKS_NEEDED = 2;

    /**
     * Looks. Reads both devices and waits for that; writes nothing.
     *
     * @param wanted whether a pool without a slot shall get one
     * @param choice as the pool will be opened with
     * @throws StorageException if the pool must have a slot, and damage hides whether another daemon holds it
     */
    public static OwnerPlace find(BlockingIo metadata, BlockingIo data, boolean wanted, UnmarkedCatalog choice)
            throws StorageException {
        byte[] before = superblock(metadata);
        OwnerPlace place;
        try (PoolMetadata pool = PoolMetadata.open(metadata, data.device(), CACHE_BLOCKS)) {
            place = find(before, pool, Catalog.open(pool, data, choice), data, wanted);
        }
        if (!Arrays.equals(before, superblock(metadata))) {
            throw new ForeignOwner(metadata.device() + ": the pool is being changed by somebody else at this moment; "
                    + "stop that one first, nothing was written");
        }
        return place;
    }

    private static OwnerPlace find(
            byte[] superblock, PoolMetadata pool, Catalog catalog, BlockingIo data, boolean wanted)
            throws StorageException {
        boolean unused = pool.deviceIds().size() == (catalog.deviceId() < 0 ? 0 : 1);
        try {
            if (catalog.damage() != null) {
                throw new MetadataCorrupt(catalog.damage());
            }
            long offset = catalog.ownerOffset();
            if (offset != NONE || !wanted || !hasRoom(pool)) {
                return new OwnerPlace(superblock, offset, offset != NONE, unused, pool.findings());
            }
            return new OwnerPlace(
                    superblock, catalog.ownerOffset(pool.reserveDataBlock()), false, unused, pool.findings());
        } catch (MetadataCorrupt e) {
            if (wanted) {
                throw new StorageException(
                        Errno.EIO,
                        data.device() + ": the pool's catalog cannot be read (" + e.getMessage()
                                + "), so nobody can tell whether another daemon has the pool; run thin_check, then"
                                + " thin_repair, on its metadata, nothing was written");
            }
            // Nobody else reaches it: what is damaged costs what it is in.
            return new OwnerPlace(superblock, NONE, false, unused, pool.findings());
        }
    }

    private static boolean hasRoom(PoolMetadata pool) {
        boolean mayChange = pool.damage() == null && !pool.needsCheck();
        return mayChange && !pool.isNearlyFull() && pool.dataBlocksFree() >= BLOCKS_NEEDED;
    }

    /** Block 0 of a metadata device. */
    static byte[] superblock(BlockingIo metadata) throws StorageException {
        return read(metadata, 0, SuperblockImages.BYTES);
    }

    static byte[] read(BlockingIo device, long offsetBytes, int lengthBytes) throws StorageException {
        IoBuffer buffer = device.loop().buffers().acquire(lengthBytes);
        try {
            device.read(offsetBytes, buffer, 0, lengthBytes);
            byte[] bytes = new byte[lengthBytes];
            buffer.bytes().get(0, bytes);
            return bytes;
        } finally {
            buffer.release();
        }
    }
}
