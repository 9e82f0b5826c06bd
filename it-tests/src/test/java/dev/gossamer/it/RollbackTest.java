package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code snapshot rollback} and {@code snapshot group} from the command line, with clients connected (S-M8, MSG-7). */
final class RollbackTest {
    private static final int BYTES = 256 << 10;

    @TempDir
    private Path scratch;

    @Test
    void aRollbackNeedsTheClientsGoneAndKeepsWhatWasThere() throws Exception {
        byte[] before = filled(1);
        byte[] after = filled(2);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            String pool = daemon.directory().toString();
            daemon.createVolume("vol", "1G");
            write(daemon, "vol", before);
            daemon.createSnapshot("vol", "snap");
            write(daemon, "vol", after);
            try (NbdConnection holder = NbdConnection.open(daemon.socket(), "vol")) {
                assertArrayEquals(after, holder.readNow(0, BYTES));
                Tool.Result refused = Daemon.gossamer("snapshot", "rollback", "-p", pool, "vol", "snap");
                refused.expectRefused();
                assertTrue(refused.err().contains("in use by unix"), refused.err());
                assertEquals(1, refused.err().lines().count(), refused.err());
                assertEquals(2, daemon.volumes().size());
                Tool.Result forced = Daemon.gossamer(
                        "snapshot", "rollback", "-p", pool, "vol", "snap", "--keep-as", "kept", "--force");
                assertEquals(0, forced.status(), forced.err());
            }
            assertArrayEquals(before, read(daemon, "vol"));
            assertArrayEquals(after, read(daemon, "kept"));
            assertEquals(
                    0,
                    Daemon.gossamer("snapshot", "group", "-p", pool, "vol=a", "kept=b", "--read-only")
                            .status());
            assertEquals(
                    2, Daemon.gossamer("snapshot", "group", "-p", pool, "vol").status());
            daemon.stopAndCheck();
        }
        try (Daemon daemon = Daemon.of(scratch.resolve("pool")).start()) {
            assertArrayEquals(before, read(daemon, "a"));
            assertArrayEquals(after, read(daemon, "b"));
            assertArrayEquals(before, read(daemon, "snap"));
        }
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static void write(Daemon daemon, String volume, byte[] bytes) throws Exception {
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            connection.writeNow(0, bytes);
            connection.flushNow();
        }
    }

    private static byte[] read(Daemon daemon, String volume) throws Exception {
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            return connection.readNow(0, BYTES);
        }
    }
}
