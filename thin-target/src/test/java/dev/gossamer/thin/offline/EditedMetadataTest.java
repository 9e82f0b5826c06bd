package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.RegionReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Metadata that a kernel wrote, edited at random with checksums made right, through every reader: none throws anything
 * but a refusal, none goes on for ever (OT-59). {@code -Dgossamer.test.edits} says how often.
 */
final class EditedMetadataTest {
    private static final int EDITS = Integer.getInteger("gossamer.test.edits", 20);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int BLOCK = 4096;
    private static final List<BlockValidator> KINDS = List.of(BlockValidator.values());

    @ParameterizedTest
    @ValueSource(strings = {"04-snapshots", "06-metadata-snapshot", "08-killed", "10-needs-check"})
    void noReaderFailsOrHangs(String fixture) throws Exception {
        byte[] image = image(fixture);
        for (int story = 0; story < EDITS; story++) {
            byte[] edited = image.clone();
            edit(ByteBuffer.wrap(edited).order(ByteOrder.LITTLE_ENDIAN), Seeds.splittable(story));
            String name = fixture + ", edit " + story;
            assertTimeoutPreemptively(LIMIT, () -> readWithEverything(edited), name);
        }
    }

    private static byte[] image(String fixture) throws IOException {
        Path file = Path.of(System.getProperty("gossamer.fixtures"), fixture, "meta.img.gz");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return in.readAllBytes();
        }
    }

    /** A few words of blocks in use become others: small ones, other blocks' numbers, or anything. */
    private static void edit(ByteBuffer image, SplittableRandom random) {
        BlockProof proof = new BlockProof();
        int blocks = image.capacity() / BLOCK;
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            int block;
            BlockValidator kind;
            do {
                block = random.nextInt(4) == 0 ? 0 : random.nextInt(blocks);
                kind = kindOf(image, block, proof);
            } while (kind == null);
            int area = random.nextBoolean() ? 400 : BLOCK;
            for (int word = random.nextInt(1, 5); word > 0; word--) {
                int offset = block * BLOCK + 4 + random.nextInt((area - 12) / 4) * 4;
                if (random.nextBoolean()) {
                    image.putInt(offset, random.nextInt(300));
                } else {
                    image.putLong(offset, random.nextBoolean() ? random.nextLong(blocks) : random.nextLong());
                }
            }
            if (random.nextInt(8) > 0) {
                proof.seal(image, block * BLOCK, block, kind);
            }
        }
    }

    private static BlockValidator kindOf(ByteBuffer image, int block, BlockProof proof) {
        return KINDS.stream()
                .filter(kind -> proof.isKind(image, block * BLOCK, kind))
                .findFirst()
                .orElse(null);
    }

    private static void readWithEverything(byte[] image) {
        SimulatedDisk disk = new SimulatedDisk(image.length);
        disk.writeNow(0, image);
        try (OfflineDisk source = new OfflineDisk(disk);
                RegionReader feed = source.feed()) {
            MetadataSource metadata = new MetadataSource("edited", feed);
            attempt(source::check);
            attempt(() -> dump(metadata, true, null));
            attempt(() -> dump(metadata, false, (device, low, high, reason) -> {}));
            attempt(() -> {
                RepairSearch search = new RepairSearch(metadata, new RepairSettings(128, null, null));
                RepairCandidate best = search.best();
                try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(16 << 20))) {
                    new OutputDevice(target.io, warning -> {}).write(sink -> search.tell(best, sink));
                }
            });
        }
    }

    private static void dump(MetadataSource metadata, boolean sharing, PoolDump.Losses losses) throws IOException {
        PoolSuperblock live = metadata.superblock();
        PoolSink.Pool pool =
                new PoolSink.Pool(live.time(), 0, false, 2, 128, live.dataMap().blocks());
        PoolDump.Choice choice = new PoolDump.Choice(Set.of(), true, sharing, losses);
        new PoolDump(metadata.feed(), new XmlSink(OutputStream.nullOutputStream(), Compat.NONE), choice)
                .dump(pool, live.mappingRoot(), live.detailsRoot());
    }

    private interface Reader {
        void read() throws IOException;
    }

    /** A refusal is an answer. */
    private static void attempt(Reader reader) {
        try {
            reader.read();
        } catch (IOException refused) {
            // what it says is for people
        }
    }
}
