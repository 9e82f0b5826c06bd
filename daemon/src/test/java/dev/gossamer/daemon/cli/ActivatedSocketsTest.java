package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The environment of socket activation, sd_listen_fds(3) (X3). */
class ActivatedSocketsTest {
    private static List<Integer> descriptors(String pid, String count) throws StorageException {
        return ActivatedSockets.descriptors(Map.of("LISTEN_PID", pid, "LISTEN_FDS", count), 42);
    }

    @Test
    void descriptorsBeginAfterStandardError() throws StorageException {
        assertEquals(List.of(3, 4), descriptors("42", "2"));
    }

    @Test
    void whatIsMeantForAnotherProcessIsNotTaken() throws StorageException {
        assertEquals(List.of(), descriptors("41", "2"));
        assertEquals(List.of(), ActivatedSockets.descriptors(Map.of(), 42));
    }

    private static void assertRefused(String variable, String value, Map<String, String> environment) {
        StorageException refused =
                assertThrows(StorageException.class, () -> ActivatedSockets.descriptors(environment, 42));
        String line = refused.getMessage();
        assertTrue(line.startsWith(variable + " is '" + value), line);
        assertEquals(1, line.lines().count(), line);
        assertTrue(line.length() < 250, line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "two",
                "",
                "0",
                "-1",
                "-2147483648",
                "1001",
                "9999",
                "4294967297",
                "18446744073709551617",
                "1.5",
                "0x1",
                "+1",
                " 1",
                "1 ",
                "01"
            })
    void aCountThatIsNoneIsNamed(String count) {
        assertRefused("LISTEN_FDS", count, Map.of("LISTEN_PID", "42", "LISTEN_FDS", count));
    }

    @ParameterizedTest
    @ValueSource(strings = {"me", "", "0", "-42", "042", "42 ", "+42", "4294967338000", "42\u0000"})
    void aProcessThatIsNoneIsNamed(String pid) {
        String shown = pid.indexOf(0) < 0 ? pid : "42?";
        assertRefused("LISTEN_PID", shown, Map.of("LISTEN_PID", pid, "LISTEN_FDS", "1"));
    }

    @Test
    void thereIsANameForEachOrForNone() throws StorageException {
        for (String names : List.of("a", "a:b:c", "", ":::")) {
            assertRefused(
                    "LISTEN_FDNAMES", names, Map.of("LISTEN_PID", "42", "LISTEN_FDS", "2", "LISTEN_FDNAMES", names));
        }
        String many = "x".repeat(100_000);
        assertRefused("LISTEN_FDNAMES", "xxx", Map.of("LISTEN_PID", "42", "LISTEN_FDS", "2", "LISTEN_FDNAMES", many));
        for (String names : List.of("a:b", ":", "unknown:unknown")) {
            assertEquals(
                    List.of(3, 4),
                    ActivatedSockets.descriptors(
                            Map.of("LISTEN_PID", "42", "LISTEN_FDS", "2", "LISTEN_FDNAMES", names), 42));
        }
    }

    @Test
    void aProcessWithoutACountHasNone() throws StorageException {
        assertEquals(List.of(), ActivatedSockets.descriptors(Map.of("LISTEN_PID", "42"), 42));
        assertEquals(List.of(), ActivatedSockets.descriptors(Map.of("LISTEN_FDS", "2"), 42));
    }
}
