package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cli.GossamerCommand;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.thin.offline.MetadataImage;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code repair --salvage} (OT-33): a broken leaf that has a copy elsewhere, to which nothing leads. */
final class SalvageTest {
    private static final int LOST = 127;

    @TempDir
    private Path scratch;

    private Fixture fixture;
    private Path damaged;
    private Path repaired;

    @BeforeEach
    void device() throws Exception {
        fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "08-killed"));
        damaged = fixture.unpackMetadata(scratch.resolve("damaged"));
        repaired = scratch.resolve("repaired");
        try (RandomAccessFile file = new RandomAccessFile(repaired.toFile(), "rw")) {
            file.setLength(8 << 20);
        }
    }

    /** Puts a copy of a leaf of two devices at a free block, changes that, and breaks the leaf. */
    private void damage(Consumer<MetadataImage> changeOfCopy) throws Exception {
        MetadataImage image = new MetadataImage(damaged);
        long copy = image.blocks() - 1L;
        image.copy(image.leafOf(2), copy);
        changeOfCopy.accept(image);
        image.seal(copy, BlockValidator.BTREE_NODE);
        image.flip(image.leafOf(2), 100);
        image.write(damaged);
    }

    private static long copyOf(MetadataImage image) {
        return image.blocks() - 1L;
    }

    private static long freeBlock(MetadataImage image) {
        return image.blockWithCount(MetadataImage.DATA_MAP, 0, 1);
    }

    private int repair(String... more) {
        String[] command = new String[7 + more.length];
        List<String> first = List.of("repair", "-q", "--yes", "-i", damaged.toString(), "-o", repaired.toString());
        System.arraycopy(first.toArray(), 0, command, 0, first.size());
        System.arraycopy(more, 0, command, first.size(), more.length);
        return GossamerCommand.run(command);
    }

    private int kept() throws Exception {
        Tool.succeed("thin_check", "-q", repaired.toString());
        assertEquals(0, GossamerCommand.run("check", "-q", repaired.toString()));
        return ThinDump.of(repaired).values().stream().mapToInt(Map::size).sum();
    }

    @Test
    void whatIsLostComesBackFromALeafThatNothingLeadsTo() throws Exception {
        damage(image -> {});
        byte[] before = Files.readAllBytes(damaged);
        int all = fixture.mappings().values().stream().mapToInt(Map::size).sum();

        assertEquals(0, repair());
        assertEquals(all - 2 * LOST, kept(), "without being asked nothing is made up");
        Path report = scratch.resolve("report");
        assertEquals(0, repair("--force", "--salvage", "--report", report.toString()));

        assertEquals(all, kept());
        assertTrue(fixture.mappings().equals(ThinDump.of(repaired)), "the same mappings");
        String said = Files.readString(report);
        assertTrue(said.contains("\"metadataBlock\" : 1023") && said.contains("\"mappings\" : " + LOST), said);
        assertArrayEquals(before, Files.readAllBytes(damaged), "the input was written to");
    }

    @Test
    void aLeafThatDoesNotFitIsLeftAlone() throws Exception {
        int all = fixture.mappings().values().stream().mapToInt(Map::size).sum();
        List<Consumer<MetadataImage>> misfits = List.of(
                // a key of what is kept
                image -> image.putWord(copyOf(image), MetadataImage.keyAt(LOST - 1), 1L << 40),
                // later than any snapshot
                image -> image.putWord(copyOf(image), MetadataImage.valueAt(5), freeBlock(image) << 24 | 0xff_ffff),
                // data of a mapping that is kept
                image -> image.putWord(copyOf(image), MetadataImage.valueAt(5), image.value(image.leafOf(1), 0)),
                // data that there is not
                image -> image.putWord(copyOf(image), MetadataImage.valueAt(5), 1L << 62));
        for (Consumer<MetadataImage> misfit : misfits) {
            Files.delete(damaged);
            fixture.unpackMetadata(damaged);
            damage(misfit);

            assertEquals(0, repair("--force", "--salvage"));

            assertEquals(all - 2 * LOST, kept(), "misfit " + misfits.indexOf(misfit));
        }
    }

    /** OT-37: what is set right in place, and what is not. */
    @Test
    void onlyCountsAreSetRightInPlace() throws Exception {
        MetadataImage image = new MetadataImage(damaged);
        int low = image.blockWithCount(MetadataImage.DATA_MAP, 1, 1);
        image.setCount(MetadataImage.DATA_MAP, low, 0);
        image.setCount(MetadataImage.METADATA_MAP, image.blockWithCount(MetadataImage.METADATA_MAP, 0, 900), 1);
        long details = image.word(0, MetadataImage.DETAILS_ROOT);
        image.putWord(details, 32 + 8 * 126, 999);
        image.seal(details, BlockValidator.BTREE_NODE);
        image.write(damaged);
        assertEquals(4, GossamerCommand.run("check", "-q", damaged.toString()));

        assertEquals(0, GossamerCommand.run("repair", "-q", "--in-place", "-i", damaged.toString()));

        assertEquals(0, GossamerCommand.run("check", "-q", damaged.toString()));
        Tool.succeed("thin_check", "-q", damaged.toString());
        assertTrue(fixture.mappings().equals(ThinDump.of(damaged)), "the same mappings");

        image = new MetadataImage(damaged);
        image.flip(image.leafOf(2), 100);
        image.write(damaged);
        byte[] before = Files.readAllBytes(damaged);
        assertEquals(4, GossamerCommand.run("repair", "-q", "--in-place", "-i", damaged.toString()));
        assertArrayEquals(before, Files.readAllBytes(damaged));
        assertNotEquals(0, GossamerCommand.run("repair", "-q", "--in-place", "--salvage", "-i", damaged.toString()));
    }
}
