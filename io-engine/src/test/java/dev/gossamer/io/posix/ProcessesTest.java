package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.UUID;
import org.junit.jupiter.api.Test;

class ProcessesTest {
    @Test
    void aProcessIsThereUntilItHasEnded() throws Exception {
        long own = ProcessHandle.current().pid();
        assertFalse(Processes.isGone(own, Processes.ownStartTicks()));
        assertTrue(Processes.isGone(own, Processes.ownStartTicks() + 1), "its number was given out again");
        Process child = new ProcessBuilder("sleep", "60").start();
        try {
            assertFalse(Processes.isGone(child.pid(), -1));
        } finally {
            child.destroyForcibly().waitFor();
        }
        assertTrue(Processes.isGone(child.pid(), -1));
        assertFalse(Processes.isGone(-7, 0), "no process number at all");
        assertFalse(Processes.isGone(1L << 40, 0), "no process number at all");
    }

    @Test
    void descriptorsAreLimited() throws Exception {
        Process shell = new ProcessBuilder("sh", "-c", "ulimit -n").start();
        String limit = new String(shell.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII);
        assertEquals(0, shell.waitFor());
        assertEquals(limit.strip(), Long.toString(Processes.descriptorLimit()));
    }

    @Test
    void theKernelIsToldApart() {
        assertNotEquals(new UUID(0, 0), Processes.bootId());
        assertEquals(Processes.bootId(), Processes.bootId());
        assertNotEquals(0, Processes.pidNamespace());
        assertFalse(Processes.hostName().isEmpty());
    }
}
