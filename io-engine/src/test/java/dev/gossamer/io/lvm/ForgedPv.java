package dev.gossamer.io.lvm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gossamer.io.lvm.format.LvmCrc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Physical volumes with any text and any numbers, and checksums that are right all the same. */
final class ForgedPv {
    static final int AREA_BYTES = 64 << 10;
    static final int AREA = 4096;

    private ForgedPv() {}

    /** A physical volume whose area holds this text. */
    static MemoryPv holding(String name, String uuid, String text, long sizeBytes) {
        byte[] start = new byte[AREA + AREA_BYTES];
        ByteBuffer bytes = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(512, "LABELONE".getBytes(ISO_8859_1)).putLong(520, 1).putInt(532, 32);
        bytes.put(536, "LVM2 001".getBytes(ISO_8859_1)).put(544, uuid.getBytes(ISO_8859_1));
        bytes.putLong(576, sizeBytes).putLong(584, 1 << 20);
        bytes.putLong(616, AREA).putLong(624, AREA_BYTES);
        byte[] encoded = (text + "\0").getBytes(UTF_8);
        bytes.put(AREA + 4, " LVM2 x[5A%r0N*>".getBytes(ISO_8859_1)).putInt(AREA + 20, 1);
        bytes.putLong(AREA + 24, AREA).putLong(AREA + 32, AREA_BYTES);
        bytes.putLong(AREA + 40, 1024).putLong(AREA + 48, encoded.length);
        bytes.put(AREA + 1024, encoded);
        bytes.putInt(AREA + 56, LvmCrc.of(encoded, 0, encoded.length));
        MemoryPv volume = new MemoryPv(name, start, sizeBytes);
        seal(volume);
        return volume;
    }

    /** Makes the checksums of label and area header right. */
    static void seal(MemoryPv volume) {
        ByteBuffer bytes = ByteBuffer.wrap(volume.start).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(512 + 16, LvmCrc.of(volume.start, 512 + 20, 1024));
        bytes.putInt(AREA, LvmCrc.of(volume.start, AREA + 4, AREA + 512));
    }

    /** An identifier of one character. */
    static String id(char c) {
        return String.valueOf(c).repeat(32);
    }

    /** A group {@code group} of extents of 64 KiB over physical volumes a, b, ... of so many extents. */
    static String group(int volumes, long extents, String more, String logical) {
        StringBuilder text = new StringBuilder("group {\nid = \"" + id('G') + "\"\nseqno = 7\n"
                + (more.contains("status") ? "" : "status = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\n")
                + "extent_size = 128\n" + more + "\nphysical_volumes {\n");
        for (int i = 0; i < volumes; i++) {
            text.append("pv" + i + " {\nid = \"" + id((char) ('a' + i)) + "\"\nstatus = [\"ALLOCATABLE\"]\nflags = []\n"
                    + "pe_start = 2048\npe_count = " + extents + "\n}\n");
        }
        return text + "}\nlogical_volumes {\n" + logical + "}\n}\n"
                + "contents = \"Text Format Volume Group\"\nversion = 1\n";
    }

    static String logical(String name, char id, String... segments) {
        StringBuilder text = new StringBuilder(name + " {\nid = \"" + id(id) + "\"\n"
                + "status = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = " + segments.length + "\n");
        for (int i = 0; i < segments.length; i++) {
            text.append("segment" + (i + 1) + " {\n" + segments[i] + "}\n");
        }
        return text + "}\n";
    }

    static String striped(long start, long extents, int stripeSectors, String... stripes) {
        return "start_extent = " + start + "\nextent_count = " + extents + "\ntype = \"striped\"\nstripe_count = "
                + stripes.length + "\n" + (stripeSectors == 0 ? "" : "stripe_size = " + stripeSectors + "\n")
                + "stripes = [\n" + String.join(",\n", List.of(stripes)) + "\n]\n";
    }
}
