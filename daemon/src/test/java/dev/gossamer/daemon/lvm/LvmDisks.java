package dev.gossamer.daemon.lvm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.gossamer.io.lvm.format.LvmCrc;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;
import java.util.zip.GZIPInputStream;

/** The two disks of fixture {@code lvm-pool} as files, which tests change, with checksums made right. */
public final class LvmDisks {
    private static final int AREA = 4096;
    private static final int AREA_BYTES = 1 << 16;
    /** The pool's metadata begin with extent 27 of the first disk, the first extent at a mebibyte. */
    private static final long SUPERBLOCK = 28L << 20;

    private final Path first;
    private final Path second;

    public LvmDisks(Path folder) throws IOException {
        first = unpack("a", folder);
        second = unpack("b", folder);
    }

    private static Path unpack(String name, Path folder) throws IOException {
        Path packed = Path.of(System.getProperty("gossamer.fixtures"), "lvm-pool", name + ".img.gz");
        Path file = folder.resolve(name);
        try (InputStream bytes = new GZIPInputStream(Files.newInputStream(packed))) {
            Files.copy(bytes, file);
        }
        return file;
    }

    public Path first() {
        return first;
    }

    public Path second() {
        return second;
    }

    /** How a tool is told of a volume of the group. */
    public String name(String volume) {
        return "lvm:group/" + volume + "?pv=" + first + "&pv=" + second;
    }

    /** Puts another number into the superblock: 4 bytes for the flags, else 8. */
    public void changeSuperblock(int at, long value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(first.toFile(), "rw")) {
            byte[] block = new byte[4096];
            file.seek(SUPERBLOCK);
            file.readFully(block);
            ByteBuffer bytes = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
            if (at == 4) {
                bytes.putInt(at, (int) value);
            } else {
                bytes.putLong(at, value);
            }
            CRC32C crc = new CRC32C();
            crc.update(block, 4, block.length - 4);
            bytes.putInt(0, (int) ~crc.getValue() ^ 160774);
            file.seek(SUPERBLOCK);
            file.write(block);
        }
    }

    /** Damages the superblock. */
    public void breakSuperblock() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(first.toFile(), "rw")) {
            file.seek(SUPERBLOCK + 200);
            file.write(new byte[] {9, 9, 9});
        }
    }

    /** Lets LVM's text say something else. */
    public void changeText(UnaryOperator<String> edit) throws IOException {
        for (Path disk : List.of(first, second)) {
            byte[] area = new byte[AREA_BYTES];
            try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
                file.seek(AREA);
                file.readFully(area);
                ByteBuffer head = ByteBuffer.wrap(area).order(ByteOrder.LITTLE_ENDIAN);
                int at = (int) head.getLong(40);
                String text = new String(area, at, (int) head.getLong(48) - 1, ISO_8859_1);
                byte[] edited = (edit.apply(text) + "\0").getBytes(ISO_8859_1);
                head.put(at, edited).putLong(48, edited.length).putInt(56, LvmCrc.of(edited, 0, edited.length));
                head.putInt(0, LvmCrc.of(area, 4, 512));
                file.seek(AREA);
                file.write(area);
            }
        }
    }

    /** Lets LVM's text have another transaction id for the pool, and a message for it that it has not been sent. */
    public void changeTransaction(long id, boolean queued) throws IOException {
        String message = "message1 {\ncreate = \"one\"\n}\n";
        changeText(text -> {
            int pool = text.indexOf("type = \"thin-pool\"");
            String tail = text.substring(pool)
                    .replace(message, "")
                    .replaceFirst("transaction_id = \\d+\n", "transaction_id = " + id + "\n" + (queued ? message : ""));
            return text.substring(0, pool) + tail;
        });
    }
}
