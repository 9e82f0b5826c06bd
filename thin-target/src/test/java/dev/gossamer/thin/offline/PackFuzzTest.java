package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Edited packs (OT-18, OT-59): each is refused, or gives whole blocks that are on the device. The property {@code
 * gossamer.fuzz.packs} says how many edits.
 */
final class PackFuzzTest {
    private static final int EDITS = Integer.getInteger("gossamer.fuzz.packs", 3_000);
    private static final int HEAD = PackFormat.HEAD_BYTES;

    private final SplittableRandom random = Seeds.splittable(41);
    private byte[] metadata;
    private byte[] pack;
    private byte[] code;
    private int read;
    private int refused;

    @BeforeEach
    void packFixture() throws IOException {
        Path file = Path.of(System.getProperty("gossamer.fixtures"), "04-snapshots", "meta.img.gz");
        try (InputStream image = new GZIPInputStream(Files.newInputStream(file))) {
            metadata = image.readNBytes(200 * PackFormat.BLOCK_BYTES);
        }
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        new PackWriter(new MemoryFeed(metadata), false, packed, (location, reason) -> {}).write();
        pack = packed.toByteArray();
        code = new InflaterInputStream(new ByteArrayInputStream(pack, HEAD + Long.BYTES, pack.length)).readAllBytes();
    }

    /** A pack of one chunk. */
    private byte[] withCode(byte[] newCode) throws IOException {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        try (DeflaterOutputStream zlib = new DeflaterOutputStream(chunk)) {
            zlib.write(newCode);
        }
        ByteBuffer whole = ByteBuffer.allocate(HEAD + Long.BYTES + chunk.size()).order(ByteOrder.LITTLE_ENDIAN);
        whole.put(pack, 0, HEAD).putLong(chunk.size()).put(chunk.toByteArray());
        return whole.array();
    }

    private long read(byte[] bytes) throws IOException {
        PackReader reader = new PackReader(new ByteArrayInputStream(bytes));
        return reader.read((location, block) -> {
            assertTrue(location >= 0 && location < reader.blocks());
            assertEquals(PackFormat.BLOCK_BYTES, block.remaining());
        });
    }

    private void tryReading(byte[] bytes) {
        try {
            read(bytes);
            read++;
        } catch (IOException e) {
            assertTrue(e.getMessage().lines().count() == 1, e.getMessage());
            refused++;
        }
    }

    @Test
    void everyBlockComesBack() throws IOException {
        int[] blocks = {0};
        new PackReader(new ByteArrayInputStream(withCode(code))).read((location, block) -> {
            int at = (int) location * PackFormat.BLOCK_BYTES;
            assertEquals(ByteBuffer.wrap(metadata, at, PackFormat.BLOCK_BYTES), block);
            blocks[0]++;
        });
        assertEquals(105, blocks[0]);
    }

    @Test
    void editedFiles() {
        for (int i = 0; i < EDITS; i++) {
            byte[] edited = pack.clone();
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                int at = random.nextInt(3) == 0 ? random.nextInt(edited.length) : random.nextInt(HEAD + 16);
                edited[at] = (byte) (random.nextBoolean() ? random.nextInt() : 255 * random.nextInt(2));
            }
            tryReading(random.nextInt(4) == 0 ? Arrays.copyOf(edited, random.nextInt(edited.length)) : edited);
        }
        assertTrue(refused > EDITS / 2, refused + " refused");
    }

    @Test
    void editedCode() throws IOException {
        for (int i = 0; i < EDITS; i++) {
            byte[] edited = code.clone();
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                int at = random.nextInt(edited.length);
                edited[at] = (byte) random.nextInt();
                if (random.nextInt(8) == 0) { // what follows is code of something else
                    System.arraycopy(edited, at + 1, edited, at, edited.length - at - 1);
                }
            }
            tryReading(withCode(edited));
        }
        assertTrue(refused > EDITS / 10 && read > EDITS / 10, refused + " refused, " + read + " read");
    }
}
