package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores that a real kernel wrote (see the README beside them), read, and written again byte for byte. */
class FixturesTest {
    private static final String READABLE =
            "c1-empty,c2-4k-few,c3-4k-three-areas,c4-32k,c6-overflowed,c7-area-exactly-full";

    private record Fixture(Path folder, String json) {
        static Fixture named(String name) throws IOException {
            Path folder = Path.of(System.getProperty("gossamer.fixtures"), name);
            return new Fixture(folder, Files.readString(folder.resolve("expected.json")));
        }

        long number(String key) {
            return Long.parseLong(value(key + "\": (\\d+)"));
        }

        String value(String pattern) {
            Matcher matcher = Pattern.compile(pattern).matcher(json);
            assertTrue(matcher.find(), pattern);
            return matcher.group(1);
        }

        byte[] unpack(String file) throws IOException {
            try (GZIPInputStream bytes = new GZIPInputStream(Files.newInputStream(folder.resolve(file)))) {
                return bytes.readAllBytes();
            }
        }

        SimulatedDisk disk(String file) throws IOException {
            byte[] image = unpack(file);
            SimulatedDisk disk = new SimulatedDisk(image.length);
            disk.writeNow(0, image);
            return disk;
        }

        /** Pairs of old and new chunk, in stored order. */
        List<long[]> exceptions() throws IOException {
            List<long[]> all = new ArrayList<>();
            for (String line : new String(unpack("exceptions.txt.gz"), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                List<String> words =
                        Pattern.compile("\\s+").splitAsStream(line.trim()).toList();
                if (words.size() == 4 && words.get(0).matches("\\d+")) {
                    all.add(new long[] {Long.parseLong(words.get(2)), Long.parseLong(words.get(3))});
                }
            }
            assertEquals(number("exceptions"), all.size());
            return all;
        }
    }

    private static Stream<String> readable() {
        return Stream.of(READABLE.split(","));
    }

    private static String md5(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] readAll(SimSet sim, Snapshot snapshot, long size) {
        ByteBuffer all = ByteBuffer.allocate((int) size);
        for (int at = 0; at < size; at += 1 << 20) {
            all.put(sim.read(snapshot, at, 1 << 20));
        }
        return all.array();
    }

    /** S-L2, S-V4: contents, table and status as the kernel had them. */
    @ParameterizedTest
    @MethodSource("readable")
    void opensAsTheKernelLeftIt(String name) throws Exception {
        Fixture fixture = Fixture.named(name);
        SimulatedDisk store = fixture.disk("cow.img.gz");
        try (SimSet sim = new SimSet(fixture.disk("origin.img.gz"), 1, 1)) {
            SnapshotStatus status = sim.await(sim.set.load(SnapshotSpec.of("s", StoreType.PERSISTENT), store));
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertEquals(fixture.number("chunk_sectors") * 512, status.chunkBytes());
            assertEquals(fixture.number("exceptions"), status.chunks());
            String words = fixture.value("snapshot ([^\"]*)\"");
            if (!words.equals("Overflow")) { // in the kernel's memory only
                assertEquals(words, status.kernelWords());
            }
            assertEquals(
                    fixture.value("kernel_snapshot_md5\": \"(\\w+)\""),
                    md5(readAll(sim, snapshot, fixture.number("origin_bytes"))));
            assertEquals(0, store.writes(), "opening wrote to the store");
        }
    }

    /** S-L3: a store marked invalid opens as Invalid, and every request fails. */
    @ParameterizedTest
    @ValueSource(strings = {"c5-invalidated", "c8-device-ends-with-area"})
    void anInvalidStoreOpensAsInvalid(String name) throws Exception {
        Fixture fixture = Fixture.named(name);
        SimulatedDisk store = fixture.disk("cow.img.gz");
        try (SimSet sim = new SimSet(fixture.disk("origin.img.gz"), 1, 1)) {
            SnapshotStatus status = sim.await(sim.set.load(SnapshotSpec.of("s", StoreType.PERSISTENT), store));
            assertEquals("Invalid", status.kernelWords());
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertEquals(Errno.EIO, sim.readErrno(snapshot));
            assertEquals(Errno.EIO, sim.write(snapshot, 0, new byte[4096]));
            assertEquals(Errno.EIO, sim.command(snapshot, BlockOperation.FLUSH, 0, 0));
            assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, new byte[4096]));
            assertEquals(0, store.writes());
        }
    }

    /** S-V1, PO: c6 is full; a write to the snapshot overflows it again, an origin's write ends it. */
    @Test
    void theOverflowedStoreOverflowsAgain() throws Exception {
        Fixture fixture = Fixture.named("c6-overflowed");
        try (SimSet sim = new SimSet(fixture.disk("origin.img.gz"), 1, 1)) {
            sim.await(sim.set.load(SnapshotSpec.of("s", StoreType.PERSISTENT_OVERFLOW), fixture.disk("cow.img.gz")));
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertEquals(Errno.EIO, sim.write(snapshot, 1000 * 4096, new byte[4096]));
            assertEquals(fixture.value("snapshot ([^\"]*)\""), sim.status("s").kernelWords());
            assertEquals(
                    fixture.value("kernel_snapshot_md5\": \"(\\w+)\""),
                    md5(readAll(sim, snapshot, fixture.number("origin_bytes"))));
            assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 500 * 4096, new byte[4096]));
            assertEquals("Invalid", sim.status("s").kernelWords());
            assertEquals(Errno.EIO, sim.readErrno(snapshot));
        }
    }

    /** S-L2: making the same exceptions in the same order makes the same metadata, byte for byte. */
    @ParameterizedTest
    @MethodSource("readable")
    void writesTheSameMetadata(String name) throws Exception {
        Fixture fixture = Fixture.named(name);
        byte[] expected = fixture.unpack("cow.img.gz");
        int chunk = (int) fixture.number("chunk_sectors") * 512;
        SimulatedDisk store = new SimulatedDisk(expected.length);
        try (SimSet sim = new SimSet(new SimulatedDisk(fixture.number("origin_bytes")), 1, 1)) {
            SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(chunk);
            Snapshot snapshot = sim.createAndOpen(spec, store);
            for (long[] exception : fixture.exceptions()) {
                byte[] contents = new byte[chunk];
                System.arraycopy(expected, (int) exception[1] * chunk, contents, 0, chunk);
                assertEquals(Errno.OK, sim.write(snapshot, exception[0] * chunk, contents));
            }
            assertEquals(fixture.exceptions().size(), sim.status("s").chunks());
            sim.shutDown();
        }
        assertArrayEquals(expected, store.readNow(0, expected.length));
    }

    /**
     * 11.5: on c8's device the 256th exception has no room, because the next table has none; the kernel loses the
     * snapshot.
     */
    @Test
    void theLastExceptionBeforeAMissingAreaHasNoRoom() throws StorageException {
        for (StoreType type : new StoreType[] {StoreType.PERSISTENT, StoreType.PERSISTENT_OVERFLOW}) {
            SimulatedDisk store = new SimulatedDisk(258 * 4096);
            try (SimSet sim = new SimSet(new SimulatedDisk(4 << 20), 1, 1)) {
                Snapshot snapshot = sim.createAndOpen(SnapshotSpec.of("s", type).withChunkBytes(4096), store);
                for (long i = 0; i < 255; i++) {
                    assertEquals(Errno.OK, sim.write(snapshot, i * 4096, new byte[4096]));
                }
                assertEquals("2056/2064 16", sim.status("s").kernelWords());
                assertEquals(Errno.EIO, sim.write(snapshot, 255 * 4096, new byte[4096]));
                boolean overflows = type == StoreType.PERSISTENT_OVERFLOW;
                assertEquals(overflows ? "Overflow" : "Invalid", sim.status("s").kernelWords());
                int valid = ByteBuffer.wrap(store.readNow(4, 4))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getInt();
                assertEquals(overflows ? 1 : 0, valid);
            }
        }
    }
}
