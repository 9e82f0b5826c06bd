package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttachmentTest {
    @TempDir
    private Path directory;

    @Test
    void whatIsWrittenIsReadAndGoneWhenRemoved() throws StorageException {
        Attachment ten = new Attachment(10, "nbd://h/x", "4711", "/mnt/a b", 30, 3600, 77);
        Attachment two = new Attachment(2, "nbd+unix:///y?socket=/s", "", "", 5, 60, 0);
        Path run = directory.resolve("run");
        assertEquals(List.of(), Attachment.all(run));
        ten.write(run);
        two.write(run);
        assertEquals(List.of(two, ten), Attachment.all(run));
        assertEquals(ten, Attachment.read(run, 10));
        ten.remove(run);
        ten.remove(run);
        assertNull(Attachment.read(run, 10));
    }

    @Test
    void logsAndOtherFilesAreNoAttachments() throws IOException {
        Files.writeString(directory.resolve("nbd0.log"), "x");
        Files.writeString(directory.resolve("nbdx.json"), "{}");
        assertEquals(List.of(), Attachment.all(directory));
        Files.writeString(directory.resolve("nbd3.json"), "{");
        assertThrows(StorageException.class, () -> Attachment.all(directory));
    }

    @Test
    void aProcessThatIsNoKeeperIsLeftAlone() {
        assertFalse(Keeper.isKeeper(ProcessHandle.current()));
    }
}
