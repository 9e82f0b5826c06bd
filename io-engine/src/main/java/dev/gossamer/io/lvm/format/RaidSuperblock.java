package dev.gossamer.io.lvm.format;

import dev.gossamer.io.StorageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the kernel's raid target notes beside each image of a mirror (kernel documentation, dm-raid), little-endian and
 * without a checksum.
 *
 * <pre>
 *  offset size
 *       0    4  "DmRd"
 *       4    4  features; 1: the fields from 60 on are there
 *       8    4  images
 *      12    4  position of this one
 *      16    8  events: how often the superblocks were written
 *      24    8  images that have failed, a bit each
 *      32    8  sector up to which this image has been copied; all ones: to its end
 *      40    8  sector up to which the mirror has been in sync
 *      48    4  raid level
 *      60    4  flags; 1: its shape is being changed
 *     144    4  features without which nobody may use it
 * </pre>
 *
 * @param events grows with each write of the superblocks; an image that is lost is left behind
 * @param failed a bit for each image that was lost when this was written
 * @param recovered sector up to which this image is copied; all ones: to its end
 */
public record RaidSuperblock(
        int features, int images, int position, long events, long failed, long recovered, int level, int flags) {
    /** What is read of it. */
    public static final int BYTES = 512;

    private static final int MAGIC = 0x6452_6d44;
    private static final int LEVEL_MIRROR = 1;
    /** The fields since version 1.9 are there. */
    private static final int FEATURE_NEWER = 1;

    private static final int INCOMPATIBLE_AT = 144;
    private static final int FLAG_RESHAPING = 1;
    private static final long TO_THE_END = -1;

    /**
     * Reads one.
     *
     * @throws StorageException if there is none, or one that this program does not know
     */
    public static RaidSuperblock read(byte[] bytes) throws StorageException {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < BYTES || in.getInt(0) != MAGIC) {
            throw LvmError.damaged("no superblock is beside it");
        }
        boolean newer = (in.getInt(4) & FEATURE_NEWER) != 0;
        if ((in.getInt(4) & ~FEATURE_NEWER) != 0 || (newer && in.getInt(INCOMPATIBLE_AT) != 0)) {
            throw LvmError.unsupported("its superblock has features that are not known");
        }
        return new RaidSuperblock(
                in.getInt(4),
                in.getInt(8),
                in.getInt(12),
                in.getLong(16),
                in.getLong(24),
                in.getLong(32),
                in.getInt(48),
                newer ? in.getInt(60) : 0);
    }

    /** Refuses one that is of something else than a mirror of so many images, or of another image. */
    public void checkMirror(int ofImages, int asPosition) throws StorageException {
        if (level != LEVEL_MIRROR || images != ofImages || position != asPosition || (flags & FLAG_RESHAPING) != 0) {
            throw LvmError.unsupported("its superblock is of image " + Integer.toUnsignedString(position) + " of "
                    + Integer.toUnsignedString(images) + " at raid level " + Integer.toUnsignedString(level));
        }
    }

    public boolean isRecovered() {
        return recovered == TO_THE_END;
    }
}
