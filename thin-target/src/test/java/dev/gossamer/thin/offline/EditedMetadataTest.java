package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Metadata that a kernel wrote, edited at random with checksums made right, through every reader: none throws anything
 * but a refusal, none goes on for ever, none allocates by a number that it read there (OT-59). {@code
 * -Dgossamer.test.edits} says how often, {@code -Dgossamer.test.first} from which edit on.
 */
final class EditedMetadataTest {
    private static final int EDITS = Integer.getInteger("gossamer.test.edits", 20);
    private static final int FIRST = Integer.getInteger("gossamer.test.first", 0);
    /** Of one reader, garbage included, for 4 MiB of metadata. An array that a forged number sized is soon more. */
    private static final long ALLOCATED_BYTES = 64 << 20;

    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int BLOCK = 4096;
    /** One in so many is written as well: repaired to another device, fixed in place. A disk costs more than a read. */
    private static final int WRITTEN = 8;

    /** A larger image costs as much as several of these, and is edited so much more rarely. */
    private static final int SMALL_BYTES = 512 << 10;

    private static final int FREE_BLOCKS = 16;
    private static final int METADATA_BLOCKS_AT = 192;
    private static final List<BlockValidator> KINDS = List.of(BlockValidator.values());

    private static int edits;

    /** What each reader has allocated at most. */
    private static final Map<String, Long> MOST = new ConcurrentHashMap<>();

    @AfterAll
    static void tell() {
        System.out.println(edits + " edited images; allocated at most, in bytes: " + MOST);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "01-empty",
                "02-one-thin",
                "04-snapshots",
                "05-discard-delete",
                "06-metadata-snapshot",
                "08-killed",
                "10-needs-check"
            })
    void noReaderFailsOrHangs(String fixture) throws Exception {
        byte[] image = image(fixture);
        int each = Math.max(1, image.length / SMALL_BYTES);
        for (int story = FIRST; story < FIRST + EDITS; story += each) {
            read(fixture, image, story, story / each % WRITTEN == 0);
            edits++;
        }
    }

    /** A count that damage made 4 thousand million, which was counted down one by one. */
    @Test
    void whatOnceTookForEver() throws Exception {
        read("04-snapshots", image("04-snapshots"), 18_488, true);
    }

    private static void read(String fixture, byte[] image, int story, boolean writing) {
        byte[] edited = image.clone();
        edit(ByteBuffer.wrap(edited).order(ByteOrder.LITTLE_ENDIAN), Seeds.splittable(story));
        String name = fixture + ", edit " + story;
        try {
            assertTimeoutPreemptively(LIMIT, () -> readWithEverything(edited, writing), name);
        } catch (AssertionError e) {
            throw new AssertionError(name, e);
        }
    }

    private static byte[] image(String fixture) throws IOException {
        Path file = Path.of(System.getProperty("gossamer.fixtures"), fixture, "meta.img.gz");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return inUse(in.readAllBytes());
        }
    }

    /** Without the free blocks behind the last one in use: an edit costs what the device has. */
    private static byte[] inUse(byte[] image) {
        int end = image.length;
        while (end > BLOCK && Arrays.equals(image, end - BLOCK, end, new byte[BLOCK], 0, BLOCK)) {
            end -= BLOCK;
        }
        byte[] used = Arrays.copyOf(image, end + FREE_BLOCKS * BLOCK);
        ByteBuffer superblock = ByteBuffer.wrap(used).order(ByteOrder.LITTLE_ENDIAN);
        superblock.putLong(METADATA_BLOCKS_AT, used.length / BLOCK);
        new BlockProof().seal(superblock, 0, 0, BlockValidator.SUPERBLOCK);
        return used;
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

    private static void readWithEverything(byte[] image, boolean writing) {
        BlockFeed feed = new MemoryFeed(image);
        MetadataSource metadata = new MetadataSource("edited", feed);
        attempt("check", () -> new OfflineCheck(metadata).check());
        attempt("dump", () -> dump(metadata, true, null));
        attempt("dump --partial", () -> dump(metadata, false, (device, low, high, reason) -> {}));
        attempt("repair", () -> repair(metadata, writing ? 2 * image.length : 0));
        List<Long> roots = roots(metadata);
        attempt("ls", () -> {
            ExclusiveBlocks.count(feed, countable(metadata), roots);
            for (long root : roots) {
                HighestBlock.of(feed, root);
            }
        });
        attempt("delta", () -> delta(feed, roots));
        attempt("rmap", () -> rmap(feed, roots));
        attempt("trim", () -> DataBlockUse.of(feed, metadata.superblock(), roots));
        attempt("pack", () -> pack(feed));
        if (writing) {
            attempt("check --fix", () -> fix(image));
        }
    }

    private static void fix(byte[] image) throws IOException {
        SimulatedDisk disk = new SimulatedDisk(image.length);
        disk.writeNow(0, image);
        try (OfflineDisk source = new OfflineDisk(disk)) {
            OfflineFix.fix(source.io, source.check(), true);
        }
    }

    /** @param outputBytes of the device that is written; 0: none */
    private static void repair(MetadataSource metadata, int outputBytes) throws IOException {
        RepairSearch search = new RepairSearch(metadata, new RepairSettings(128, null, null));
        RepairCandidate best = search.best();
        search.tell(best, new PoolTally());
        if (outputBytes == 0) {
            return;
        }
        try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(outputBytes))) {
            new OutputDevice(target.io, warning -> {}).write(sink -> search.tell(best, sink));
        }
    }

    /** Of all devices, whatever they are; and two blocks that are perhaps none. */
    private static List<Long> roots(MetadataSource metadata) {
        List<Long> roots = new ArrayList<>(List.of(1L, 40L));
        attempt("devices", () -> {
            PoolSuperblock live = metadata.superblock();
            PoolDump.devices(metadata.feed(), live.mappingRoot(), live.detailsRoot(), (device, low, high, reason) -> {})
                    .forEach(tree -> roots.add(tree.root()));
        });
        return roots;
    }

    private static long countable(MetadataSource metadata) throws IOException {
        long countable = metadata.feed().blocks() * BitmapLayout.ENTRIES;
        return Math.clamp(metadata.superblock().dataMap().blocks(), 0, countable);
    }

    private static void delta(BlockFeed feed, List<Long> roots) throws IOException {
        for (int i = 1; i < Math.min(roots.size(), 4); i++) {
            new PoolDelta(
                            new MappingCursor(feed, roots.get(i - 1)),
                            new MappingCursor(feed, roots.get(i)),
                            PoolDelta.NO_LIMIT,
                            PoolDelta.NO_LIMIT,
                            i % 2 == 0,
                            true,
                            (kind, begin, length, left, right) -> {})
                    .run();
        }
    }

    private static void rmap(BlockFeed feed, List<Long> roots) throws IOException {
        ReverseMap map = new ReverseMap(feed, List.of(new ReverseMap.Region(0, Long.MAX_VALUE)), false);
        for (long root : roots) {
            map.add(1, root);
        }
        map.runs();
    }

    private static void pack(BlockFeed feed) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        new PackWriter(feed, true, packed, (location, reason) -> {}, Deflater.NO_COMPRESSION).write();
        new PackReader(new ByteArrayInputStream(packed.toByteArray())).read((location, block) -> {});
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
    private static void attempt(String name, Reader reader) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        try {
            reader.read();
        } catch (IOException refused) {
            // what it says is for people
        } catch (RuntimeException | Error e) {
            throw new AssertionError(name, e);
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        MOST.merge(name, allocated, Math::max);
        assertTrue(allocated < ALLOCATED_BYTES, name + " allocated " + allocated + " bytes");
    }
}
