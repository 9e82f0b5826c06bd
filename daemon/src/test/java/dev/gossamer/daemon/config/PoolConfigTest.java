package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.DiscardMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoolConfigTest {
    private static final Path FILE = Path.of("/pool/pool.yaml");

    @TempDir
    private Path directory;

    @Test
    void whatIsWrittenIsRead() throws IOException {
        PoolConfig config = new PoolConfig("/dev/it's: #1", "data", true);
        Path file = directory.resolve("pool.yaml");
        config.write(file);
        assertEquals(config, PoolConfig.read(file));
        try (var entries = Files.list(directory)) {
            assertEquals(1, entries.count(), "no temporary file stays");
        }
    }

    @Test
    void aFileThatIsTooLongIsAnotherFile() throws IOException {
        Path file = directory.resolve("pool.yaml");
        Files.writeString(file, "data: d\nmetadata: m\n" + "#".repeat(64 << 10));
        StorageException refused = assertThrows(StorageException.class, () -> PoolConfig.read(file));
        assertTrue(refused.getMessage().contains("the limit is 65536 bytes"), refused.getMessage());
    }

    @Test
    void bufferedIsOffUnlessAskedFor() throws IOException {
        assertEquals(new PoolConfig("m", "d", false), PoolConfig.parse(FILE, "data: d\nmetadata: m\n"));
    }

    /** OP-2. */
    @Test
    void thePatienceWithRemoteDevicesIsWrittenAndRead() throws IOException {
        Path file = directory.resolve("pool.yaml");
        new PoolConfig("/m", "/d", false).write(file);
        assertEquals(Duration.ofSeconds(30), PoolConfig.read(file).devicePatience());
        for (Duration patience : new Duration[] {Duration.ofSeconds(90), Duration.ZERO}) {
            new PoolConfig("/m", "/d", false, patience, SpaceConfig.DEFAULT).write(file);
            assertEquals(patience, PoolConfig.read(file).devicePatience());
        }
        Files.writeString(file, "metadata: /m\ndata: /d\ndevice-patience: long\n");
        StorageException refusal = assertThrows(StorageException.class, () -> PoolConfig.read(file));
        assertTrue(refusal.getMessage().contains("key 'device-patience': 'long' is no time"), refusal.getMessage());
    }

    @Test
    void allowedPathsAreWrittenAndRead() throws IOException {
        PoolConfig config =
                PoolConfig.parse(FILE, "data: d\nmetadata: m\nallow-paths: [/srv/it's here, 'nbd://10.0.0.1/x']\n");
        assertEquals(List.of("/srv/it's here", "nbd://10.0.0.1/x"), config.allowPaths());
        Path file = directory.resolve("pool.yaml");
        config.write(file);
        assertEquals(config, PoolConfig.read(file));
        for (String bad : new String[] {"/srv", "[srv]", "['']", "[{a: b}]", "[1]"}) {
            StorageException refusal = assertThrows(
                    StorageException.class,
                    () -> PoolConfig.parse(FILE, "data: d\nmetadata: m\nallow-paths: " + bad + "\n"));
            assertTrue(refusal.getMessage().contains("key 'allow-paths'"), refusal.getMessage());
        }
    }

    @Test
    void originsAreWrittenAndRead() throws IOException {
        PoolConfig config = PoolConfig.parse(
                FILE, "data: d\nmetadata: m\norigins:\n  golden: /srv/it's here\n  b+c: nbd://10.0.0.1/x\n");
        assertEquals(Map.of("golden", "/srv/it's here", "b+c", "nbd://10.0.0.1/x"), config.origins());
        Path file = directory.resolve("pool.yaml");
        config.write(file);
        assertEquals(config, PoolConfig.read(file));
        for (String bad : new String[] {"golden", "[a]", "{a: }", "{a: [b]}", "{a: 1}"}) {
            StorageException refusal = assertThrows(
                    StorageException.class,
                    () -> PoolConfig.parse(FILE, "data: d\nmetadata: m\norigins: " + bad + "\n"));
            assertTrue(refusal.getMessage().contains("key 'origins'"), refusal.getMessage());
        }
    }

    @Test
    void theDiscardModeIsWrittenAndRead() throws IOException {
        PoolConfig config = PoolConfig.parse(FILE, "data: d\nmetadata: m\ndiscard: no-passdown\n");
        assertEquals(DiscardMode.NO_PASSDOWN, config.space().discard());
        Path file = directory.resolve("pool.yaml");
        config.write(file);
        assertEquals(config, PoolConfig.read(file));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "data: d                                     | 'metadata' is missing",
                "metadata: m                                 | 'data' is missing",
                "{metadata: m, data: d, sise: 1}             | unknown key 'sise'",
                "{metadata: m, data: d, buffered: perhaps}   | 'buffered' must be true or false",
                "{metadata: m, metadata: x, data: d}         | twice",
                "{metadata: [m], data: d}                    | 'metadata' must be a path",
                "{metadata: , data: d}                       | 'metadata' must be a path",
                "{metadata: m, data: d, discard: maybe}      | passdown, no-passdown and ignore",
                "- metadata                                  | key: value",
                "{metadata: m                                | pool.yaml",
                "\"\"                                        | key: value"
            })
    void aMistakeIsNamedWithFileAndKey(String text, String expected) {
        String content = text == null ? "" : text;
        StorageException refused = assertThrows(StorageException.class, () -> PoolConfig.parse(FILE, content));
        assertTrue(refused.getMessage().contains(expected), refused.getMessage());
        assertTrue(refused.getMessage().startsWith(FILE.toString()), refused.getMessage());
        assertTrue(refused.getMessage().lines().count() == 1, refused.getMessage());
    }

    @Test
    void aDirectoryWithoutConfigurationIsNoPool() {
        StorageException refused =
                assertThrows(StorageException.class, () -> PoolConfig.read(directory.resolve("pool.yaml")));
        assertTrue(refused.getMessage().contains("gossamer pool create"), refused.getMessage());
    }

    @Test
    void theManualHasEveryKeyAndNoOther() throws IOException {
        Path page = Path.of("../deploy/src/dist/share/man/gossamer-pool.yaml.5");
        Set<String> described = new TreeSet<>();
        for (String line : Files.readString(page).replace("\\-", "-").lines().toList()) {
            if (line.matches("\\.BR? [a-z-]+.*") && !line.startsWith(".BR gossamer")) {
                described.addAll(List.of(line.replaceFirst("\\.BR? ", "")
                        .replace(" \", \" ", ",")
                        .split(",", -1)));
            }
        }
        assertEquals(new TreeSet<>(PoolConfig.KEYS), described);
    }
}
