package dev.gossamer.io.lvm.format;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.gossamer.io.StorageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What makes a device a physical volume: one sector among its first four (OT-50).
 *
 * <pre>
 *  offset size
 *       0    8  "LABELONE"
 *       8    8  number of this sector
 *      16    4  checksum of bytes 20 to 511
 *      20    4  where the content begins, from the start of the sector
 *      24    8  "LVM2 001"
 *           32  content: uuid, 32 characters
 *            8  size of the device in bytes
 *               data areas (offset 8, size 8), until an offset of 0; metadata areas likewise
 *            8  version and flags
 * </pre>
 *
 * @param uuid without dashes
 * @param deviceBytes size of the device when it was made a physical volume
 * @param metadataAreas where copies of the group's text are
 */
public record PvLabel(String uuid, long deviceBytes, List<Area> metadataAreas) {
    public static final int SECTOR_BYTES = 512;

    /**
     * A metadata area on the device.
     *
     * @param sizeBytes compared with the device by whoever uses it
     */
    public record Area(long offsetBytes, long sizeBytes) {}

    private static final int SECTORS = 4;
    private static final int CHECKED_FROM = 20;
    private static final int MIN_CONTENT = 32;
    private static final int UUID_BYTES = 32;

    /** Returns null if the device has none: it is no physical volume, or its label is damaged. */
    public static PvLabel find(PvBytes device) throws StorageException {
        int sectors = (int) Math.min(SECTORS, device.sizeBytes() / SECTOR_BYTES);
        byte[] start = device.read(0, sectors * SECTOR_BYTES);
        for (int sector = 0; sector < sectors; sector++) {
            byte[] bytes = java.util.Arrays.copyOfRange(start, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
            PvLabel label = parse(bytes, sector);
            if (label != null) {
                return label;
            }
        }
        return null;
    }

    public static PvLabel parse(byte[] sector, long number) {
        ByteBuffer bytes = ByteBuffer.wrap(sector).order(ByteOrder.LITTLE_ENDIAN);
        boolean isLabel = text(sector, 0, 8).equals("LABELONE")
                && bytes.getLong(8) == number
                && bytes.getInt(16) == LvmCrc.of(sector, CHECKED_FROM, SECTOR_BYTES)
                && text(sector, 24, 8).equals("LVM2 001");
        int content = bytes.getInt(20);
        if (!isLabel || content < MIN_CONTENT || content > SECTOR_BYTES - UUID_BYTES - Long.BYTES) {
            return null;
        }
        String uuid = text(sector, content, UUID_BYTES);
        if (!LvmId.isId(uuid)) {
            return null;
        }
        bytes.position(content + UUID_BYTES);
        long deviceBytes = bytes.getLong();
        List<Area> dataAreas = areas(bytes);
        List<Area> metadataAreas = dataAreas == null ? null : areas(bytes);
        return metadataAreas == null ? null : new PvLabel(uuid, deviceBytes, metadataAreas);
    }

    /** Null if the list has no end inside the sector. */
    private static List<Area> areas(ByteBuffer bytes) {
        List<Area> areas = new ArrayList<>();
        while (bytes.remaining() >= 2 * Long.BYTES) {
            long offset = bytes.getLong();
            long size = bytes.getLong();
            if (offset == 0) {
                return areas;
            }
            areas.add(new Area(offset, size));
        }
        return null;
    }

    private static String text(byte[] sector, int from, int length) {
        return new String(sector, from, length, ISO_8859_1);
    }
}
