package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.metadata.MetadataFix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;

/** Makes metadata wrong in one chosen way, for tests of whatever reads them; checksums stay right. */
public final class MadeDamage {
    private static final int HELD_ROOT = 56;
    private static final int MAPPING_ROOT = 320;
    private static final int DETAILS_ROOT = 328;

    private final BlockingIo device;

    public MadeDamage(BlockingIo device) {
        this.device = device;
    }

    /**
     * Gives metadata blocks another count, in one transaction.
     *
     * @param expected the count that they have
     * @param actual the count that they get
     * @param blocks how many
     * @throws StorageException ENOENT if there are fewer of that count; nothing is changed then
     */
    public void counts(long expected, long actual, int blocks) throws StorageException {
        SuperblockEdit.check(device);
        try (MetadataFix change = new MetadataFix(device)) {
            List<Long> chosen = change.metadataBlocks(expected, blocks);
            if (chosen.size() < blocks) {
                throw new StorageException(
                        Errno.ENOENT,
                        device.device() + " has " + chosen.size() + " metadata blocks with a count of " + expected
                                + ", not " + blocks + "; nothing was changed");
            }
            List<Damage> wanted = chosen.stream()
                    .map(block -> (Damage) new Damage.Leak(SpaceMapName.METADATA, block, expected, actual))
                    .toList();
            change.counts(wanted);
            change.commit(false);
        }
    }

    /** What is damaged is read as a whole; more is not needed to see what tools say. */
    private static final long MAX_IMAGE_BYTES = 64 << 20;

    /**
     * Damages sound metadata in one of the ways of {@link DamageCases}.
     *
     * @return bytes that the device has from now on; fewer than before if a file is to be cut
     * @throws StorageException if they are not sound, too large, or have nothing that can be damaged so; nothing is
     *     changed then
     */
    public long damage(String name) throws IOException {
        long bytes = MetadataSource.blocksOf(device) * MetadataSource.BLOCK_BYTES;
        if (bytes > MAX_IMAGE_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    device.device() + " is larger than " + (MAX_IMAGE_BYTES >> 20) + " MiB; damage a smaller one");
        }
        SuperblockEdit.check(device);
        try (RegionReader feed = new RegionReader(device, MetadataSource.blocksOf(device))) {
            if (new OfflineCheck(new MetadataSource(device.device().toString(), feed))
                            .check()
                            .worst()
                    != null) {
                throw new StorageException(Errno.EINVAL, device.device() + " is damaged already; take a sound one");
            }
        }
        byte[] before = read((int) bytes);
        MetadataImage image = new MetadataImage(before.clone());
        try {
            DamageCases.apply(name, image);
        } catch (NoSuchElementException | IndexOutOfBoundsException e) {
            throw new StorageException(
                    Errno.ENOENT,
                    device.device() + " cannot be damaged so, nothing was changed: "
                            + (e instanceof NoSuchElementException ? e.getMessage() : "it is too small"),
                    e);
        }
        byte[] after = image.toBytes();
        for (int at = 0; at < after.length; at += MetadataSource.BLOCK_BYTES) {
            if (!Arrays.equals(
                    before, at, at + MetadataSource.BLOCK_BYTES, after, at, at + MetadataSource.BLOCK_BYTES)) {
                transfer(after, at, true);
            }
        }
        device.flush();
        return after.length == before.length ? device.device().sizeBytes() : after.length;
    }

    private byte[] read(int bytes) throws StorageException {
        byte[] image = new byte[bytes];
        for (int at = 0; at < bytes; at += MetadataSource.BLOCK_BYTES) {
            transfer(image, at, false);
        }
        return image;
    }

    private void transfer(byte[] image, int at, boolean write) throws StorageException {
        IoBuffer block = device.loop().buffers().acquire(MetadataSource.BLOCK_BYTES);
        try {
            if (write) {
                block.bytes().put(0, image, at, MetadataSource.BLOCK_BYTES);
                device.write(at, block, 0, MetadataSource.BLOCK_BYTES);
            } else {
                device.read(at, block, 0, MetadataSource.BLOCK_BYTES);
                block.bytes().get(0, image, at, MetadataSource.BLOCK_BYTES);
            }
        } finally {
            block.release();
        }
    }

    /**
     * Makes the superblock lead to other trees.
     *
     * @param mappingRoot metadata block; negative: as it is. Likewise the others
     * @param heldRoot of the metadata snapshot; 0: there is none
     */
    public void roots(long mappingRoot, long detailsRoot, long heldRoot) throws StorageException {
        SuperblockEdit.apply(device, superblock -> {
            put(superblock, MAPPING_ROOT, mappingRoot);
            put(superblock, DETAILS_ROOT, detailsRoot);
            put(superblock, HELD_ROOT, heldRoot);
        });
    }

    private static void put(ByteBuffer superblock, int at, long value) {
        if (value >= 0) {
            superblock.putLong(at, value);
        }
    }

    /** Sets the flag that keeps a pool from being changed before it was checked. */
    public void needsCheck() throws StorageException {
        SuperblockEdit.needsCheck(device, true);
    }
}
