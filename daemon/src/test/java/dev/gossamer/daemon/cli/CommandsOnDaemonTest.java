package dev.gossamer.daemon.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Commands against a daemon in this process: their exit codes by kind, their JSON, what they leave alone. */
@Timeout(60)
class CommandsOnDaemonTest extends CommandsFixture {
    private JsonNode json() throws IOException {
        return new JsonMapper().readTree(out);
    }

    @Test
    void exitCodesTellTheKind() throws IOException {
        assertEquals(0, run("volume create web --size 1M"), err);
        assertEquals(5, run("volume create web --size 1M"), err);
        assertEquals(8, run("volume show wbe"), err);
        assertTrue(err.contains("no volume 'wbe'; did you mean web?"), err);
        assertEquals(8, run("volume delete wbe"), err);
        assertTrue(err.contains("did you mean web?"), err);
        assertEquals(7, run("volume set web --reserve 1G"), err);
        assertEquals(1, run("volume create a/b --size 1M"), err);
        assertEquals(8, run("cow status nothing"), err);
        assertEquals(8, run("volume show wbe --json"));
        JsonNode error = new JsonMapper().readTree(err);
        assertEquals("not-there", error.path("kind").asText());
        assertEquals(8, error.path("exitCode").asInt());
        assertTrue(error.path("error").asText().contains("wbe"), err);
    }

    @Test
    void aPoolThatIsThereIsNotMadeAgain() {
        StringWriter stderr = new StringWriter();
        int code = GossamerCommand.commandLine("pool", "create", pool.toString())
                .setErr(new PrintWriter(stderr, true))
                .execute("pool", "create", pool.toString());
        assertEquals(5, code, stderr.toString());
        assertTrue(stderr.toString().contains("gossamer serve " + pool), stderr.toString());
    }

    @Test
    void ratesAreSetShownAndTakenOffWhileTheVolumeIsServed() throws IOException {
        assertEquals(0, run("volume create web --size 1M"), err);
        assertEquals(0, run("volume show web"), err);
        assertTrue(out.contains("no limit"), out);
        assertEquals(0, run("volume set web --iops 2000 --write-iops 500 --bandwidth 50M --burst 2s"), err);
        assertEquals(0, run("volume set web --read-bandwidth 1M"), err);
        assertEquals(0, run("volume show web"), err);
        assertTrue(out.contains("2000 iops, 500 write iops, 50M/s, 1M/s read, burst 2000ms"), out);
        assertEquals(0, run("volume show web --json"), err);
        assertEquals(50 << 20, json().path("rates").path("bandwidth").asLong());
        for (String wrong : List.of("--iops -1", "--bandwidth 1k", "--burst 5ms", "--burst soon", "--read-iops many")) {
            assertTrue(run("volume set web " + wrong) > 0, wrong);
            assertEquals("gossamer: ", err.lines().findFirst().orElse("").substring(0, 10), err);
        }
        assertEquals(0, run("volume set web --iops 0 --write-iops 0 --bandwidth 0 --read-bandwidth 0 --burst 0"), err);
        assertEquals(0, run("volume show web --json"), err);
        assertTrue(json().path("rates").isNull(), out);
    }

    @Test
    void growingByAnAmountAddsToWhatThereIs() throws IOException {
        assertEquals(0, run("volume create web --size 1M"), err);
        assertEquals(0, run("volume resize web --size +3M --json"), err);
        assertEquals(4 << 20, json().path("sizeBytes").asLong());
        assertEquals(0, run("volume resize web --size 8M --json"), err);
        assertEquals(8 << 20, json().path("sizeBytes").asLong());
        assertEquals(1, run("volume resize web --size +8191P"), err);
        assertEquals(1, err.lines().count(), err);
    }

    @Test
    void aDryRunSaysWhatWouldGoAndChangesNothing() throws IOException {
        assertEquals(0, run("volume create web --size 2M"), err);
        assertEquals(0, run("snapshot create web monday"), err);
        assertEquals(0, run("volume list --json"), err);
        String before = out;
        assertEquals(0, run("volume delete web --dry-run --json"), err);
        assertEquals("delete", json().path("would").asText());
        assertEquals("monday", json().path("snapshotsThatStay").path(0).asText());
        assertEquals(0, run("volume delete web monday --dry-run --json"), err);
        assertEquals("web, monday", json().path("name").asText());
        assertTrue(
                json().path("exact").asBoolean()
                        && json().path("snapshotsThatStay").isEmpty(),
                out);
        assertEquals(8, run("volume delete web none --dry-run"), err);
        assertEquals(0, run("snapshot delete monday --dry-run"), err);
        assertTrue(out.startsWith("would delete monday: "), out);
        assertEquals(0, run("snapshot rollback web monday --dry-run"), err);
        assertTrue(out.contains("contents of monday as of"), out);
        assertEquals(0, run("volume resize web --size 1M --dry-run"), err);
        assertTrue(out.contains("the last 1M would be lost"), out);
        assertEquals(8, run("volume delete none --dry-run"), err);
        assertEquals(0, run("volume list --json"), err);
        assertEquals(before, out);
    }

    @Test
    void whatHoldsSpaceIsToldWithTheCommandThatFreesIt() throws IOException {
        assertEquals(0, run("volume create web --size 2M"), err);
        assertEquals(0, run("snapshot create web monday"), err);
        assertEquals(0, run("space --json"), err);
        JsonNode volumes = json().path("volumes");
        assertEquals(2, volumes.size());
        assertTrue(out.contains("gossamer snapshot delete monday"), out);
        assertTrue(out.contains("gossamer volume delete web"), out);
        assertTrue(json().path("dataGrowthBytesPerHour").isNull(), out);
        assertEquals(0, run("space --top 1"), err);
        assertTrue(out.contains("not known yet"), out);
    }

    @Test
    void topPrintsWhoIsConnected() {
        assertEquals(0, run("top --interval 1 --count 1"), err);
        assertTrue(out.contains("mode rw, data"), out);
        assertTrue(out.contains("nobody is connected"), out);
        assertEquals(2, run("top --interval 0"));
    }

    @Test
    void aCheckForMonitoringIsOneLine() {
        assertEquals(0, run("status --check"), err);
        assertTrue(out.startsWith("GOSSAMER OK - data 0.0%"), out);
        assertEquals(1, out.lines().count(), out);
    }

    @Test
    void aBundleIsANewFileOfItsOwnersAlone() throws IOException {
        Path file = directory.resolve("report.zip");
        assertEquals(0, run("bundle -o " + file), err);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (String name : List.of("version.txt", "doctor.json", "pool.yaml", "daemon-v1-status.txt", "log.txt")) {
                assertTrue(zip.getEntry(name).getSize() > 0, name);
            }
            assertTrue(new String(
                            zip.getInputStream(zip.getEntry("daemon-metrics.txt"))
                                    .readAllBytes(),
                            UTF_8)
                    .contains("gossamer_build_info"));
        }
        byte[] before = Files.readAllBytes(file);
        assertEquals(1, run("bundle -o " + file));
        assertArrayEquals(before, Files.readAllBytes(file), "a file that is there stays as it is");
        Path other = directory.resolve("other.zip");
        assertEquals(6, run("bundle --metadata -o " + other), "it is being served");
        assertFalse(Files.exists(other), "what failed leaves nothing");
    }

    @Test
    void doctorFindsNoFaultInAPoolThatIsServed() throws IOException {
        assertEquals(0, run("doctor --json"), out);
        assertTrue(out.contains("somebody serves the pool"), out);
    }

    @Test
    void actionsAnswerInJsonToo() throws IOException {
        assertEquals(0, run("volume create web --size 2M --json"), err);
        assertEquals(0, run("volume delete web --json"), err);
        assertEquals("web", json().path("name").asText());
        assertEquals("deleted", json().path("done").asText());
        assertEquals(0, run("reload --json"), err);
        assertEquals("reloaded", json().path("done").asText());
        assertEquals(0, run("pool transaction-id --json"), err);
        assertTrue(json().path("transactionId").isIntegralNumber(), out);
        assertFalse(out.isEmpty());
    }

    @Test
    void rangesAreClonedAndJobsListed() throws IOException {
        assertEquals(0, run("volume create a --size 2M"), err);
        assertEquals(0, run("volume create b --size 1M"), err);
        assertEquals(0, run("clone a:0+1M b"), err);
        assertTrue(out.startsWith("cloned 1048576 bytes"), out);
        assertEquals(0, run("clone a:1M+64k a:0 --atomic --json"), err);
        assertEquals("done", json().path("state").asText());
        assertEquals(0, run("clone a:1M b --background"), err);
        assertTrue(out.startsWith("started job 3"), out);
        assertEquals(0, run("job list --json"), err);
        assertEquals(3, json().size());
        assertEquals("clone", json().path(0).path("kind").asText());
        assertEquals(0, run("job show 1"), err);
        assertTrue(out.contains("a:0+1048576 to b:0"), out);
        assertEquals(8, run("job show 9"), err);
        assertEquals(1, run("job cancel 1"), err);
        assertTrue(err.contains("job 1 is over: cloned"), err);
        assertEquals(1, run("clone a b"), err);
        assertTrue(err.contains("is not in volume b, which has 1048576 bytes"), err);
        assertEquals(1, err.lines().count(), err);
        assertEquals(2, run("clone a:0+1M b:0+1M"), err);
        assertEquals(2, run("clone a:x b"), err);
        assertEquals(0, run("volume clone a c"), err);
        assertEquals(0, run("volume show c --json"), err);
        assertFalse(json().path("readOnly").asBoolean());
    }

    @Test
    void volumesGetBlocksOfTheirOwn() throws IOException {
        Path golden = Files.write(directory.resolve("golden.img"), new byte[1 << 20]);
        assertEquals(0, run("volume create a --size 1M"), err);
        assertEquals(0, run("volume clone a b --independent"), err);
        assertTrue(out.startsWith("copied 0 bytes; b has blocks of its own"), out);
        assertEquals(0, run("volume create o --size 2M --origin " + golden), err);
        assertEquals(0, run("volume detach o --json"), err);
        assertEquals("detach", json().path("kind").asText());
        assertEquals("done", json().path("state").asText());
        Files.delete(golden);
        assertEquals(0, run("volume show o --space"), err);
        assertTrue(out.contains("1, 1 at best") && !out.contains("golden"), out);
        for (String line : new String[] {
            "volume detach o", "volume detach none", "volume clone none c --independent", "volume clone a b"
        }) {
            assertTrue(run(line) != 0 && err.lines().count() == 1, line + ": " + err);
        }
        assertEquals(0, run("volume list --json"), err);
        assertEquals(3, json().size(), "nothing was made");
    }

    @Test
    void dedupeTakesVolumesAndEvacuateSaysWhatMayBeLost() throws IOException {
        assertEquals(0, run("volume create a --size 1M"), err);
        assertEquals(0, run("volume create b --size 1M"), err);
        assertEquals(0, run("dedupe a b --dry-run --rate 1G"), err);
        assertTrue(out.startsWith("0 of "), out);
        assertEquals(8, run("dedupe a none"), err);
        assertEquals(1, err.lines().count(), err);
        assertEquals(0, run("pool evacuate 32M+1M --accept-losses"), err);
        assertTrue(err.contains("is lost, and zeros from then on") && out.startsWith("moved 0 bytes"), err + out);
        assertEquals(0, run("job show 2 --json"), err);
        assertTrue(json().path("lost").isArray() && json().path("lost").isEmpty(), out);
    }

    @Test
    void thePoolShrinksAndTellsWhoHasWhat() throws IOException {
        assertEquals(0, run("volume create a --size 2M"), err);
        assertEquals(0, run("pool owners 0+64M --json"), err);
        assertEquals("<catalog>", json().path(0).path("owner").asText());
        assertEquals(0, run("pool owners 0+64M"), err);
        assertTrue(out.contains("DATA-OFFSET"), out);
        assertEquals(0, run("pool evacuate 32M+1M"), err);
        assertTrue(out.startsWith("moved 0 bytes"), out);
        assertEquals(0, run("pool shrink --data 16M"), err);
        assertEquals("the pool has 16777216 bytes of data now", out.strip());
        assertEquals(16 << 20, java.nio.file.Files.size(pool.path().resolve("data")));
        assertEquals(0, run("status --json"), err);
        assertEquals(16 << 20, json().path("dataBytes").asLong());
        assertEquals(7, run("pool shrink --data 64k"), err);
        assertTrue(err.contains("no smaller than"), err);
        assertEquals(1, err.lines().count(), err);
        assertEquals(1, run("pool shrink --data 1G"), err);
        assertEquals(1, run("pool evacuate 1G+1M"), err);
        assertEquals(2, run("pool evacuate 1G"), err);
        assertEquals(0, run("pool grow --data 32M"), err);
    }
}
