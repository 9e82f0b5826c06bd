package dev.gossamer.io.lvm;

import dev.gossamer.io.lvm.format.MetadataArea;
import dev.gossamer.io.lvm.format.PvBytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/** A physical volume's bytes in memory: a fixture, or what a test makes of it; zeros follow. */
final class MemoryPv implements PvBytes {
    static final long MADE_BYTES = 24L << 20;
    static final long POOL_BYTES = 40L << 20;

    final byte[] start;
    private final String name;
    private final long sizeBytes;

    MemoryPv(String name, byte[] start, long sizeBytes) {
        this.name = name;
        this.start = start;
        this.sizeBytes = sizeBytes;
    }

    /** What LVM left on a device of the group {@code made}: label and area. */
    static MemoryPv fixture(String name) throws IOException {
        try (InputStream file = MemoryPv.class.getResourceAsStream(name + ".gz")) {
            return new MemoryPv(name, new GZIPInputStream(file).readAllBytes(), MADE_BYTES);
        }
    }

    /** Likewise on {@code a} or {@code b} of a group with a thin pool. */
    static MemoryPv ofPool(String name) throws IOException {
        Path file = Path.of(System.getProperty("gossamer.fixtures"), "lvm-pool", name + ".img.gz");
        try (InputStream image = new GZIPInputStream(Files.newInputStream(file))) {
            return new MemoryPv(name, image.readNBytes(1 << 20), POOL_BYTES);
        }
    }

    MemoryPv named(String newName) {
        return new MemoryPv(newName, start.clone(), sizeBytes);
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public byte[] read(long offsetBytes, int lengthBytes) {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > sizeBytes - lengthBytes) {
            throw new AssertionError(name + ": " + lengthBytes + " bytes at " + offsetBytes + " are outside");
        }
        if (lengthBytes > MetadataArea.MAX_TEXT_BYTES) {
            throw new AssertionError(name + ": a read of " + lengthBytes + " bytes");
        }
        int from = (int) Math.min(offsetBytes, start.length);
        return Arrays.copyOf(Arrays.copyOfRange(start, from, start.length), lengthBytes);
    }

    @Override
    public String toString() {
        return name;
    }
}
