package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What is at the beginning of a device, before somebody makes a file system there. */
final class Contents {
    private static final int LOOKED_BYTES = 256 << 10;

    private Contents() {}

    /** A few words for what is there; empty if all that was looked at is zero. */
    static String of(Path device) throws StorageException {
        ByteBuffer head = ByteBuffer.allocate(LOOKED_BYTES);
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
            int count;
            do {
                count = channel.read(head, head.position());
            } while (count > 0 && head.hasRemaining());
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, device + " cannot be read: " + Reason.of(e), e);
        }
        return of(head.flip());
    }

    static String of(ByteBuffer head) {
        if (has(head, 0x438, "S\u00ef")) {
            return "an ext2, ext3 or ext4 file system";
        }
        if (has(head, 0, "XFSB")) {
            return "an XFS file system";
        }
        if (has(head, 0x10040, "_BHRfS_M")) {
            return "a btrfs file system";
        }
        if (has(head, 0, "LUKS\u00ba\u00be")) {
            return "an encrypted volume (LUKS)";
        }
        if (has(head, 512, "LABELONE") || has(head, 536, "LVM2 001")) {
            return "an LVM physical volume";
        }
        if (has(head, 4086, "SWAPSPACE2")) {
            return "swap space";
        }
        if (has(head, 512, "EFI PART") || has(head, 510, "U\u00aa")) {
            return "a partition table";
        }
        for (int i = 0; i < head.limit(); i++) {
            if (head.get(i) != 0) {
                return "data of an unknown kind";
            }
        }
        return "";
    }

    private static boolean has(ByteBuffer head, int offset, String magic) {
        byte[] bytes = magic.getBytes(StandardCharsets.ISO_8859_1);
        if (head.limit() < offset + bytes.length) {
            return false;
        }
        for (int i = 0; i < bytes.length; i++) {
            if (head.get(offset + i) != bytes[i]) {
                return false;
            }
        }
        return true;
    }
}
