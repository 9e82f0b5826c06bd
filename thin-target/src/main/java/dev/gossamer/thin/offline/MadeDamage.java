package dev.gossamer.thin.offline;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.thin.metadata.MetadataFix;
import java.nio.ByteBuffer;
import java.util.List;

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
