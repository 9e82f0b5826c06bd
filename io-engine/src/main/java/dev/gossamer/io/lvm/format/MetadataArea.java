package dev.gossamer.io.lvm.format;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gossamer.io.StorageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A ring of texts on a physical volume, each a whole description of the group; its first sector says which is in force
 * (OT-51).
 *
 * <pre>
 *  offset size
 *       0    4  checksum of bytes 4 to 511
 *       4   16  " LVM2 x[5A%r0N*>"
 *      20    4  version 1
 *      24    8  where this area begins on the device
 *      32    8  its size
 *      40       slots of 24 bytes: offset in the area 8, size of the text 8, checksum of the text 4, flags 4
 * </pre>
 *
 * Slot 0 is the committed text; slot 1, a text about to be committed, is nobody's yet.
 */
public final class MetadataArea {
    /** Groups of thousands of volumes have texts of a few MiB. More is refused before it is read. */
    public static final int MAX_TEXT_BYTES = 16 << 20;

    public static final int HEADER_BYTES = 512;
    private static final byte[] MAGIC = " LVM2 x[5A%r0N*>".getBytes(UTF_8);
    private static final int VERSION = 1;
    private static final int IGNORED = 1;

    private MetadataArea() {}

    /**
     * The committed text; null if the area has none or is to be ignored.
     *
     * @throws StorageException if the area is damaged; the message says how, not where
     */
    public static String read(PvBytes device, PvLabel.Area area) throws StorageException {
        long start = area.offsetBytes();
        long size = area.sizeBytes();
        boolean inside = start >= 0 && size >= 2 * HEADER_BYTES && start <= device.sizeBytes() - size;
        if (!inside || start % HEADER_BYTES != 0 || size % HEADER_BYTES != 0) {
            throw LvmError.damaged("metadata area at byte " + start + " of " + size + " bytes is not on the device");
        }
        byte[] header = device.read(start, HEADER_BYTES);
        ByteBuffer bytes = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getInt(0) != LvmCrc.of(header, 4, HEADER_BYTES)) {
            throw LvmError.damaged("metadata area at byte " + start + " has a wrong checksum");
        }
        if (!Arrays.equals(header, 4, 20, MAGIC, 0, 16)
                || bytes.getInt(20) != VERSION
                || bytes.getLong(24) != start
                || bytes.getLong(32) != size) {
            throw LvmError.damaged("metadata area at byte " + start + " has no valid header");
        }
        long offset = bytes.getLong(40);
        long length = bytes.getLong(48);
        if (offset == 0 || (bytes.getInt(60) & IGNORED) != 0) {
            return null;
        }
        if (offset < HEADER_BYTES || offset >= size || length <= 0 || length > size - HEADER_BYTES) {
            throw LvmError.damaged("metadata area at byte " + start + ": text at " + offset + " of " + length
                    + " bytes is not in the area");
        }
        if (length > MAX_TEXT_BYTES) {
            throw LvmError.damaged(
                    "metadata area at byte " + start + ": text of " + length + " bytes, more than " + MAX_TEXT_BYTES);
        }
        byte[] text = ring(device, area, offset, (int) length);
        if (LvmCrc.of(text, 0, text.length) != bytes.getInt(56)) {
            throw LvmError.damaged("metadata area at byte " + start + ": the text has a wrong checksum");
        }
        int end = text.length;
        while (end > 0 && text[end - 1] == 0) {
            end--;
        }
        return new String(text, 0, end, UTF_8);
    }

    /** The text goes on behind the header where the area ends. */
    private static byte[] ring(PvBytes device, PvLabel.Area area, long offset, int length) throws StorageException {
        int first = (int) Math.min(length, area.sizeBytes() - offset);
        byte[] head = device.read(area.offsetBytes() + offset, first);
        if (first == length) {
            return head;
        }
        byte[] tail = device.read(area.offsetBytes() + HEADER_BYTES, length - first);
        byte[] text = Arrays.copyOf(head, length);
        System.arraycopy(tail, 0, text, first, tail.length);
        return text;
    }
}
