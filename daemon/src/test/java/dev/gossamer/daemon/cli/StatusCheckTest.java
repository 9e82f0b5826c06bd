package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.admin.FailureKind;
import org.junit.jupiter.api.Test;

/** Exit codes and words that monitoring programs agree on. */
class StatusCheckTest {
    private final ObjectNode status = JsonNodeFactory.instance
            .objectNode()
            .put("mode", "rw")
            .put("dataBytes", 1000)
            .put("dataUsedBytes", 250)
            .put("metadataBytes", 100)
            .put("metadataUsedBytes", 1)
            .put("connections", 3);

    private void assertCheck(int code, String text) {
        StatusCheck check = StatusCheck.of(status);
        assertEquals(code, check.exitCode(), check::line);
        assertTrue(check.line().contains(text), check::line);
        assertEquals(1, check.line().lines().count());
    }

    @Test
    void allIsWell() {
        assertEquals(
                "GOSSAMER OK - data 25.0%, metadata 1.0% | data=250B;;;0;1000 metadata=1B;;;0;100 connections=3",
                StatusCheck.of(status).line());
        assertCheck(0, "OK");
    }

    @Test
    void littleSpaceIsAWarningAndLittleMetadataIsWorse() {
        status.put("dataLow", true);
        assertCheck(1, "WARNING - data space is low");
        status.put("metadataLow", true);
        assertCheck(2, "CRITICAL - metadata space is low; data space is low");
    }

    @Test
    void whatStopsClientsIsCritical() {
        status.put("requestsWaitingForSpace", 4);
        assertCheck(2, "4 writes wait for space");
        status.put("requestsWaitingForSpace", 0).put("mode", "ro");
        assertCheck(2, "mode ro");
        status.put("mode", "rw").put("poolAnswers", false);
        assertCheck(2, "does not answer");
        status.put("poolAnswers", true)
                .putArray("remoteDevices")
                .addObject()
                .put("name", "nbd://x")
                .put("stalledSeconds", 7);
        assertCheck(2, "nbd://x does not answer");
    }

    @Test
    void aDaemonThatIsGoneIsCriticalAndAMistakeIsUnknown() {
        assertEquals(
                2,
                StatusCheck.of(new CommandFailed(FailureKind.NO_DAEMON, "gone")).exitCode());
        assertEquals(
                3,
                StatusCheck.of(new CommandFailed(FailureKind.NOT_ALLOWED, "no")).exitCode());
    }
}
