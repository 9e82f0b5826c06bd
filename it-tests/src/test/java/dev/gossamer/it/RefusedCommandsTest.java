package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Commands that cannot be carried out: exit code 1, one line on standard error that names the thing, nothing written.
 */
final class RefusedCommandsTest {

    @TempDir
    private Path scratch;

    private static void assertRefused(Tool.Result result, String named) {
        result.expectRefused();
        assertEquals(1, result.errorLines().size(), result::toString);
        assertTrue(result.err().contains(named), () -> "no \"" + named + "\" in: " + result);
    }

    private Path fixtureMetadata() throws IOException {
        return fixture().unpackMetadata(scratch.resolve("meta.img"));
    }

    private Path fixtureData() throws Exception {
        return fixture().unpackData(scratch.resolve("data.img"));
    }

    private static Fixture fixture() throws IOException {
        return Fixture.thinPools()
                .filter(fixture -> fixture.toString().startsWith("02-"))
                .findFirst()
                .orElseThrow();
    }

    private Path file(String name, long sizeBytes) throws IOException {
        Path path = scratch.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return path;
    }

    private static void patch(Path file, long offsetBytes, byte[] bytes) throws IOException {
        try (RandomAccessFile target = new RandomAccessFile(file.toFile(), "rw")) {
            target.seek(offsetBytes);
            target.write(bytes);
        }
    }

    /** A pool that is not right may be refused when it is adopted or when it is served; neither writes to it. */
    private void assertAdoptionRefused(Path metadata, Path data, String named) throws Exception {
        Map<Path, byte[]> before = new HashMap<>();
        for (Path device : new Path[] {metadata, data}) {
            before.put(device, Files.readAllBytes(device));
        }
        Path pool = scratch.resolve("pool");
        Tool.Result result = gossamer(
                "pool", "adopt", pool.toString(), "--data", data.toString(), "--metadata", metadata.toString());
        if (result.status() == 0) {
            result = gossamer("serve", pool.toString());
        }
        assertRefused(result, named);
        for (Map.Entry<Path, byte[]> device : before.entrySet()) {
            assertTrue(
                    java.util.Arrays.equals(device.getValue(), Files.readAllBytes(device.getKey())),
                    device.getKey() + " was written");
        }
    }

    @Test
    void metadataWithAWrongChecksum() throws Exception {
        Path metadata = fixtureMetadata();
        patch(metadata, 100, new byte[] {42});
        assertAdoptionRefused(metadata, fixtureData(), "meta.img");
    }

    @Test
    void metadataOfANewerFormat() throws Exception {
        Path metadata = fixtureMetadata();
        Superblock.edit(metadata, block -> block.putInt(Superblock.INCOMPATIBLE_FLAGS_AT, 1));
        assertAdoptionRefused(metadata, fixtureData(), "meta.img");
    }

    @Test
    void metadataOfSomethingElse() throws Exception {
        Path metadata = file("meta.img", 4 << 20);
        RandomImage.write(metadata, 4, 5);
        assertAdoptionRefused(metadata, fixtureData(), "meta.img");
    }

    @Test
    void metadataThatIsEmpty() throws Exception {
        assertAdoptionRefused(file("meta.img", 4 << 20), fixtureData(), "meta.img");
    }

    @Test
    void dataDeviceSmallerThanThePool() throws Exception {
        assertAdoptionRefused(fixtureMetadata(), file("data.img", 32 << 20), "data.img");
    }

    @Test
    void dataDeviceThatIsMissing() throws Exception {
        Path metadata = fixtureMetadata();
        Path data = scratch.resolve("none.img");
        Tool.Result result = gossamer(
                "pool",
                "adopt",
                scratch.resolve("pool").toString(),
                "--data",
                data.toString(),
                "--metadata",
                metadata.toString());
        assertRefused(result, "none.img");
        assertFalse(Files.exists(data));
    }

    @Test
    void oneDeviceForDataAndMetadataUnderWhateverName() throws Exception {
        Path device = file("device.img", 64 << 20);
        Path symbolicLink = Files.createSymbolicLink(scratch.resolve("symbolic.img"), device);
        Path hardLink = Files.createLink(scratch.resolve("hard.img"), device);
        for (Path other : new Path[] {device, symbolicLink, hardLink}) {
            assertRefused(createPool(other, device), ".img");
            assertEquals(-1, Files.mismatch(device, file("zeros.img", 64 << 20)), "the device was written");
        }
    }

    @Test
    void devicesTooSmallForAPool() throws Exception {
        assertRefused(createPool(file("data.img", 64 << 20), file("tiny.img", 4096)), "tiny.img");
        assertRefused(createPool(file("small.img", 4096), file("meta.img", 4 << 20)), "small.img");
    }

    @Test
    void metadataDeviceThatHoldsAPoolIsNotFormatted() throws Exception {
        Path metadata = fixtureMetadata();
        byte[] before = Files.readAllBytes(metadata);
        assertRefused(createPool(fixtureData(), metadata), "meta.img");
        assertTrue(java.util.Arrays.equals(before, Files.readAllBytes(metadata)), "the pool was overwritten");
    }

    private Tool.Result createPool(Path data, Path metadata) throws IOException, InterruptedException {
        return gossamer(
                "pool",
                "create",
                scratch.resolve("pool").toString(),
                "--data",
                data.toString(),
                "--metadata",
                metadata.toString());
    }

    @Test
    void directoryThatIsNotAPool() throws Exception {
        Path empty = Files.createDirectory(scratch.resolve("empty"));
        assertRefused(gossamer("serve", empty.toString()), "empty");
        assertRefused(gossamer("serve", scratch.resolve("nowhere").toString()), "nowhere");
        assertRefused(gossamer("volume", "list", "-p", empty.toString()), "empty");
    }

    @Test
    void poolThatIsBeingServed() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "10M");
            Tool.Result second = gossamer("serve", daemon.directory().toString());
            assertEquals(3, second.status(), second::toString);
            assertEquals(1, second.errorLines().size(), second::toString);
            assertTrue(second.err().contains("is in use by another process"), second::toString);

            Path again = scratch.resolve("again");
            Tool.Result adopted = gossamer(
                    "pool",
                    "adopt",
                    again.toString(),
                    "--data",
                    daemon.data().toString(),
                    "--metadata",
                    daemon.metadata().toString());
            assertRefused(adopted.status() == 0 ? gossamer("serve", again.toString()) : adopted, "metadata");

            Tool.succeed("nbdinfo", "--size", daemon.uri("vol"));
            daemon.stopAndCheck();
        }
    }

    @Test
    void poolThatIsNotServed() throws Exception {
        Daemon daemon = Daemon.create(scratch);
        assertRefused(gossamer("volume", "list", "-p", daemon.directory().toString()), "pool");
    }

    @Test
    void wrongUsageExitsWithTwo() throws Exception {
        gossamer("frobnicate").expectStatus(2);
        gossamer("volume", "create", "--no-such-option").expectStatus(2);
    }

    @Test
    void volumesThatCannotBe() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            String pool = daemon.directory().toString();
            daemon.createVolume("vol", "10M");
            byte[] before = Files.readAllBytes(daemon.metadata());

            assertRefused(create(pool, "odd", "1000"), "1000");
            assertRefused(create(pool, "none", "0"), "0");
            assertRefused(create(pool, "vol", "10M"), "vol");
            assertRefused(gossamer("snapshot", "create", "-p", pool, "vol", "vol"), "vol");
            assertRefused(gossamer("snapshot", "create", "-p", pool, "nothing", "snap"), "nothing");
            assertRefused(gossamer("volume", "delete", "-p", pool, "nothing"), "nothing");
            assertRefused(gossamer("volume", "show", "-p", pool, "nothing"), "nothing");
            assertRefused(gossamer("volume", "resize", "-p", pool, "nothing", "--size", "20M"), "nothing");
            assertRefused(gossamer("volume", "rename", "-p", pool, "nothing", "something"), "nothing");

            assertEquals(1, daemon.volumes().size());
            daemon.stop();
            assertTrue(java.util.Arrays.equals(before, Files.readAllBytes(daemon.metadata())), "metadata was written");
        }
    }

    private static Tool.Result create(String pool, String name, String size) throws IOException, InterruptedException {
        return gossamer("volume", "create", "-p", pool, name, "--size", size);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\nb", "a/b"})
    void badVolumeNames(String name) throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            assertRefused(create(daemon.directory().toString(), name, "10M"), "name");
            assertRefused(create(daemon.directory().toString(), "x".repeat(129), "10M"), "128");
            create(daemon.directory().toString(), "x".repeat(128), "10M").expectStatus(0);
            assertEquals(1, daemon.volumes().size());
            daemon.stopAndCheck();
        }
    }

    @Test
    void deletingAVolumeThatAClientHasOpen() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            String pool = daemon.directory().toString();
            daemon.createVolume("vol", "10M");
            try (NbdConnection client = NbdConnection.open(daemon.socket(), "vol")) {
                assertRefused(gossamer("volume", "delete", "-p", pool, "vol"), "vol");
                assertEquals(512, client.readNow(0, 512).length);
                client.send(NbdConnection.DISCONNECT, 0, 1, 0, 0);
                client.readToEnd();
            }
            gossamer("volume", "delete", "-p", pool, "vol").expectStatus(0);
            assertEquals(0, daemon.volumes().size());
            daemon.stopAndCheck();
        }
    }
}
