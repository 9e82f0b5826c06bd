package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.server.NbdTestClient;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every kind of failure that a command can end with, by commands of each sort: code, one line, the same in JSON. */
@Timeout(60)
class ExitCodesTest extends CommandsFixture {
    /** A served pool that fails is {@code ServiceTest}'s; who is refused, {@code AdminGateTest}'s. */
    private static final Set<FailureKind> ELSEWHERE = EnumSet.of(FailureKind.POOL_FAILED, FailureKind.NOT_ALLOWED);

    private record Row(FailureKind kind, String line, String words) {}

    private static final List<Row> ROWS = List.of(
            new Row(FailureKind.FAILED, "volume create a/b --size 1M", "name"),
            new Row(FailureKind.FAILED, "volume create odd --size 1000", "1000"),
            new Row(FailureKind.FAILED, "volume resize web --size +8191P", "size"),
            new Row(FailureKind.WRONG_USAGE, "volume frobnicate", "frobnicate"),
            new Row(FailureKind.WRONG_USAGE, "volume create", "NAME"),
            new Row(FailureKind.WRONG_USAGE, "volume create x --size many", "many"),
            new Row(FailureKind.WRONG_USAGE, "top --interval 0", "--interval"),
            new Row(FailureKind.POOL_TAKEN, "serve", "is in use by another process"),
            new Row(FailureKind.EXISTS, "volume create web --size 1M", "web"),
            new Row(FailureKind.EXISTS, "snapshot create web monday", "monday"),
            new Row(FailureKind.EXISTS, "volume rename web monday", "monday"),
            new Row(FailureKind.IN_USE, "volume delete web", "web"),
            new Row(FailureKind.IN_USE, "snapshot rollback web monday", "web"),
            new Row(FailureKind.FULL, "volume set web --reserve 1G", "reserve"),
            new Row(FailureKind.NOT_THERE, "volume show wbe", "did you mean web?"),
            new Row(FailureKind.NOT_THERE, "volume delete nothing", "nothing"),
            new Row(FailureKind.NOT_THERE, "volume delete nothing --dry-run", "nothing"),
            new Row(FailureKind.NOT_THERE, "snapshot create nothing now", "nothing"),
            new Row(FailureKind.NOT_THERE, "snapshot rollback web nothing", "nothing"),
            new Row(FailureKind.NOT_THERE, "volume resize nothing --size 2M", "nothing"),
            new Row(FailureKind.NOT_THERE, "volume rename nothing x", "nothing"),
            new Row(FailureKind.NOT_THERE, "volume set nothing --limit 1G", "nothing"),
            new Row(FailureKind.NOT_THERE, "defragment nothing", "nothing"),
            new Row(FailureKind.NOT_THERE, "clone nothing web", "nothing"),
            new Row(FailureKind.NOT_THERE, "job show 99", "99"),
            new Row(FailureKind.NOT_THERE, "cow status nothing", "nothing"),
            new Row(FailureKind.NOT_THERE, "cow delete nothing", "nothing"));

    /** What needs a daemon, and there is none. */
    private static final List<String> WITHOUT_A_DAEMON = List.of(
            "volume list", "snapshot list", "status", "space", "top", "events", "reload", "job list", "cow list");

    private void assertRefused(Row row, List<String> wrong) throws Exception {
        int code = run(row.line());
        int lines = row.kind() == FailureKind.WRONG_USAGE ? 2 : 1; // the second says where help is
        if (code != row.kind().exitCode()
                || err.lines().count() != lines
                || !err.contains(row.words())
                || !err.startsWith("gossamer: ")
                || !out.isEmpty()) {
            wrong.add(row + " ended with " + code + ": " + err + out);
        }
        if (row.kind() == FailureKind.WRONG_USAGE || row.line().equals("serve")) {
            return;
        }
        run(row.line() + " --json");
        JsonNode error = new JsonMapper().readTree(err);
        if (!error.path("kind").asText().equals(row.kind().word())
                || error.path("exitCode").asInt() != row.kind().exitCode()) {
            wrong.add(row + " --json says " + err);
        }
    }

    @Test
    void everyKindHasItsCodeWhateverTheCommand() throws Exception {
        assertEquals(0, run("volume create web --size 1M"), err);
        assertEquals(0, run("snapshot create web monday"), err);
        assertEquals(0, run("volume list --json"), err);
        String before = out;
        List<String> wrong = new ArrayList<>();
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "web")) {
            assertNotNull(client);
            for (Row row : ROWS) {
                assertRefused(row, wrong);
            }
        }
        assertEquals(List.of(), wrong);
        Set<FailureKind> shown = EnumSet.copyOf(ELSEWHERE);
        ROWS.forEach(row -> shown.add(row.kind()));
        shown.add(FailureKind.NO_DAEMON); // below
        assertEquals(EnumSet.allOf(FailureKind.class), shown);
        assertEquals(0, run("volume list --json"), err);
        assertEquals(before.replaceAll("\"connections\" : \\d", ""), out.replaceAll("\"connections\" : \\d", ""));
    }

    @Test
    void withoutADaemonTheyAllSaySo() throws Exception {
        stop();
        for (String line : WITHOUT_A_DAEMON) {
            assertEquals(FailureKind.NO_DAEMON.exitCode(), run(line), () -> line + ": " + err);
            assertTrue(err.contains("gossamer serve"), () -> line + ": " + err);
            assertFalse(err.lines().count() > 1, () -> line + ": " + err);
        }
    }
}
