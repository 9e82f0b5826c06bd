package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

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

    @Test
    void aCountThatIsNoneIsNamed() {
        StorageException refused = assertThrows(StorageException.class, () -> descriptors("42", "two"));
        assertTrue(refused.getMessage().contains("LISTEN_FDS is 'two'"), refused.getMessage());
    }
}
