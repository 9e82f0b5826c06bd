package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoolCreationTest {
    private static final int BLOCK_BYTES = 64 << 10;

    @TempDir
    private Path directory;

    private PoolDirectory pool() {
        return new PoolDirectory(directory.resolve("a/pool"));
    }

    private PoolConfig config(String metadata, String data) {
        return new PoolConfig(
                directory.resolve(metadata).toString(), directory.resolve(data).toString(), true);
    }

    private Path device(String name, long sizeBytes) throws StorageException {
        Path path = directory.resolve(name);
        PosixFiles.create(path, sizeBytes);
        return path;
    }

    private String refusal(PoolConfig config) {
        String message = assertThrows(
                        StorageException.class, () -> PoolCreation.createOnDevices(pool(), config, BLOCK_BYTES))
                .getMessage();
        assertFalse(Files.exists(directory.resolve("a")), "no trace is left");
        return message;
    }

    @Test
    void aPoolInFilesHasItsDevicesAndItsConfiguration() throws IOException {
        PoolCreation.createInFiles(pool(), (1 << 20) + 5, BLOCK_BYTES, true);
        assertEquals(new PoolConfig("metadata", "data", true), PoolConfig.read(pool().config()));
        assertEquals(1 << 20, Files.size(pool().resolve("data")), "whole blocks");
        assertFalse(PoolCreation.isNew(pool()));
    }

    /** Somebody's file that appears between the look whether the directory is empty and the file's creation. */
    @Test
    void aFileThatSomebodyElseHasPutThereMeanwhileStays() throws Exception {
        for (int i = 0; ; i++) {
            PoolDirectory raced = new PoolDirectory(directory.resolve("raced" + i));
            Path metadata = raced.resolve("metadata");
            Path data = raced.resolve("data");
            Thread other = Thread.startVirtualThread(() -> {
                while (!Files.exists(metadata)) {
                    Thread.onSpinWait();
                }
                try {
                    Files.writeString(data, "mine", StandardOpenOption.CREATE_NEW);
                } catch (IOException e) {
                    return; // The pool was faster.
                }
            });
            String refusal = "";
            try {
                PoolCreation.createInFiles(raced, 1 << 20, BLOCK_BYTES, true);
            } catch (StorageException e) {
                refusal = e.getMessage();
            }
            other.join();
            if (refusal.contains("data: File exists")) {
                assertEquals("mine", Files.readString(data));
                return;
            }
        }
    }

    /** A commit that finds the file system full costs the pool: its metadata has its space from the beginning. */
    @Test
    void theMetadataHasAllOfItsSpaceAndTheDataNone() throws IOException, InterruptedException {
        PoolCreation.createInFiles(pool(), 1 << 30, BLOCK_BYTES, true);
        long bytes = Files.size(pool().resolve("metadata"));
        assertTrue(spaceBytes(pool().resolve("metadata")) >= bytes, "of " + bytes);
        assertTrue(spaceBytes(pool().resolve("data")) < 1 << 20, "sparse");
        Path sparse = device("sparse", 1 << 20);
        device("devices-data", 1 << 20);
        PoolDirectory other = new PoolDirectory(directory.resolve("other"));
        PoolCreation.createOnDevices(other, config("sparse", "devices-data"), BLOCK_BYTES);
        assertTrue(spaceBytes(sparse) >= 1 << 20, "a file that was there, too");
    }

    private static long spaceBytes(Path file) throws IOException, InterruptedException {
        Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
        String blocks = new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        assertEquals(0, stat.waitFor());
        return Long.parseLong(blocks.strip()) * 512;
    }

    @Test
    void anExistingPoolIsNotTouched() throws IOException {
        PoolCreation.createInFiles(pool(), 1 << 20, BLOCK_BYTES, true);
        byte[] before = Files.readAllBytes(pool().resolve("metadata"));
        StorageException refused = assertThrows(
                StorageException.class, () -> PoolCreation.createInFiles(pool(), 1 << 20, BLOCK_BYTES, true));
        assertTrue(refused.getMessage().contains("is a pool already"), refused.getMessage());
        assertArrayEquals(before, Files.readAllBytes(pool().resolve("metadata")));
    }

    @Test
    void oneDeviceForBothIsRefusedHoweverItIsCalled() throws IOException {
        Path device = device("device", 1 << 20);
        Files.createSymbolicLink(directory.resolve("link"), device);
        Files.createLink(directory.resolve("hard"), device);
        assertTrue(refusal(config("device", "device")).contains("same device"));
        assertTrue(refusal(config("device", "link")).contains("same device"));
        assertTrue(refusal(config("hard", "device")).contains("same device"));
    }

    @Test
    void metadataWithSomethingOnItIsRefusedAndKept() throws IOException {
        device("data", 1 << 20);
        Path metadata = device("metadata", 1 << 20);
        byte[] content = new byte[1 << 20];
        content[4095] = 1;
        Files.write(metadata, content);
        String message = refusal(config("metadata", "data"));
        assertTrue(message.contains("metadata"), message);
        assertArrayEquals(content, Files.readAllBytes(metadata));
    }

    @Test
    void devicesThatAreTooSmallOrMissingAreRefused() throws IOException {
        device("data", 1 << 20);
        device("metadata", 1 << 20);
        device("tiny", 32 << 10);
        assertTrue(refusal(config("tiny", "data")).contains("at least"));
        assertTrue(refusal(config("metadata", "tiny")).contains("less than one block"));
        assertTrue(refusal(config("metadata", "none")).contains("none"));
    }

    @Test
    void anAdoptedPoolKeepsItsDevicesAsTheyAre() throws IOException {
        PoolCreation.createInFiles(pool(), 1 << 20, BLOCK_BYTES, true);
        byte[] before = Files.readAllBytes(pool().resolve("metadata"));
        PoolDirectory adopted = new PoolDirectory(directory.resolve("adopted"));
        PoolConfig config = new PoolConfig(
                pool().resolve("metadata").toString(), pool().resolve("data").toString(), true);
        PoolCreation.adopt(adopted, config);
        assertEquals(config, PoolConfig.read(adopted.config()));
        assertArrayEquals(before, Files.readAllBytes(pool().resolve("metadata")));
    }

    @Test
    void whatIsNoPoolIsNotAdopted() throws IOException {
        device("data", 1 << 20);
        device("metadata", 1 << 20);
        assertThrows(StorageException.class, () -> PoolCreation.adopt(pool(), config("metadata", "data")));
        assertFalse(Files.exists(directory.resolve("a")), "no trace is left");
    }

    @Test
    void metadataFilesFollowTheRuleOfThumbWithinTheFormatsLimits() {
        assertEquals(8L << 20, PoolCreation.metadataBytes(1));
        assertEquals(768L << 20, PoolCreation.metadataBytes(1L << 24));
        assertEquals(255L * 16384 * 4096, PoolCreation.metadataBytes(1L << 40));
    }
}
