package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CowConfigFileTest {
    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("cow.yaml");
    }

    @Test
    void whatIsWrittenIsRead() throws StorageException {
        CowConfig config = new CowConfig(List.of(
                new CowConfig.Origin(
                        "disk",
                        "/dev/it's: #odd",
                        "file, inode 7, 4096 bytes",
                        List.of(
                                new RecordedSnapshot(
                                        "monday",
                                        "cow.disk@monday",
                                        true,
                                        StoreType.PERSISTENT,
                                        StoreFullAction.FAIL_WRITES,
                                        RecordedSnapshot.State.LOST,
                                        null,
                                        "",
                                        0,
                                        "its store: is 'full'"),
                                new RecordedSnapshot(
                                        "sunday",
                                        "nbd://host/store",
                                        false,
                                        StoreType.PERSISTENT_OVERFLOW,
                                        StoreFullAction.INVALIDATE_SNAPSHOT,
                                        RecordedSnapshot.State.MERGING,
                                        new UUID(1, 2),
                                        "file, inode 7, born 2026-11-30T00:00:00Z, 4096 bytes",
                                        1 << 20,
                                        ""))),
                new CowConfig.Origin("other", "/srv/other.img", "", List.of())));
        CowConfigFile.write(file(), config);
        assertEquals(config, CowConfigFile.read(file()));
        assertFalse(Files.exists(directory.resolve("cow.yaml.new")));
    }

    /** With the longest names, and longer causes than there are. */
    @Test
    void asMuchAsCanBeRecordedIsRead() throws StorageException {
        int max = StoreRequestCheck.MAX_RECORDED;
        String device = "/" + "d".repeat(StoreRequestCheck.MAX_NAME_BYTES - 1);
        String identity = "block device, backing_file " + "b".repeat(4096) + ", 9223372036854775807 bytes";
        List<RecordedSnapshot> snapshots = new ArrayList<>();
        List<CowConfig.Origin> origins = new ArrayList<>();
        for (int i = 0; i < max; i++) {
            snapshots.add(new RecordedSnapshot(
                    "snapshot" + i,
                    device,
                    false,
                    StoreType.PERSISTENT,
                    StoreFullAction.INVALIDATE_SNAPSHOT,
                    RecordedSnapshot.State.LOST,
                    new UUID(1, i),
                    identity,
                    1L << 59,
                    "c".repeat(600)));
            origins.add(new CowConfig.Origin("origin" + i, device, identity, i == 0 ? snapshots : List.of()));
        }
        origins.set(0, new CowConfig.Origin("origin0", device, identity, snapshots));
        CowConfig config = new CowConfig(origins);
        CowConfigFile.write(file(), config);
        assertEquals(config, CowConfigFile.read(file()));
        List<OriginExport> served =
                origins.stream().map(each -> new OriginExport(each, null, null)).toList();
        CowRequest request =
                new CowRequest("origin0@more", null, null, 0, StoreType.PERSISTENT, StoreFullAction.FAIL_WRITES);
        StorageException refused = assertThrows(
                StorageException.class,
                () -> StoreRequestCheck.check(CowName.parse("origin0@more"), request, served, String::equals));
        assertTrue(refused.getMessage().contains("there are 256 snapshots, as many as can be"), refused.getMessage());
        refused = assertThrows(
                StorageException.class, () -> StoreRequestCheck.requireFreeOrigin("/dev/sdx", served, String::equals));
        assertTrue(refused.getMessage().contains("there are 256 origins, as many as can be"), refused.getMessage());
        refused = assertThrows(
                StorageException.class,
                () -> StoreRequestCheck.requireFreeOrigin(device + "d", List.of(), String::equals));
        assertTrue(refused.getMessage().contains("name of 1025 bytes is too long"), refused.getMessage());
    }

    @Test
    void noFileMeansNoOrigins() throws StorageException {
        assertEquals(CowConfig.EMPTY, CowConfigFile.read(file()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "origins: [{name: a, device: b, size: 3}] | unknown key 'size'",
                "origins: [{name: a}] | 'device'",
                "origins: [{name: a, device: b}, {name: a, device: c}] | 'a' is there twice",
                "origins: [{name: a, device: b, snapshots: [{name: s, store: c, type: P, on-full: invalidate, "
                        + "state: active}]}]"
                        + " | 'P' is no type",
                "origins: [{name: a, device: b, snapshots: [{name: s, store: c, type: persistent, on-full: x, "
                        + "state: active}]}]"
                        + " | 'x' is neither",
                "origins: [{name: a, device: b, snapshots: [{name: s, store: c, type: persistent, on-full: invalidate,"
                        + " state: gone}]}] | 'state'",
                "origins: [{name: a, device: b, snapshots: [{name: s, store: c, type: persistent, on-full: invalidate,"
                        + " state: active, size: large}]}] | 'size'",
                "origins: [ | line 1"
            })
    void whatIsWrongIsNamed(String text, String reason) throws IOException {
        Files.writeString(file(), text);
        StorageException refused = assertThrows(StorageException.class, () -> CowConfigFile.read(file()));
        assertTrue(refused.getMessage().contains(reason), refused.getMessage());
        assertTrue(refused.getMessage().contains("cow.yaml"), refused.getMessage());
    }
}
