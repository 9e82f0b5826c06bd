package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A bounded run of Jazzer from the corpus on, in a JVM of its own, with the seed of the run. More, and what it finds
 * kept: {@code -Dgossamer.fuzz.runs=10000000 -Dgossamer.fuzz.found=DIR}. A finding's bytes are in the message; they
 * belong into the corpus.
 */
@Timeout(3600)
final class CoverageGuidedFuzzTest {
    private static final String RUNS = System.getProperty("gossamer.fuzz.runs", "20000");
    private static final Pattern COVERAGE = Pattern.compile("#\\d+\\s+(INITED|DONE)\\s+cov: (\\d+)");

    @TempDir
    private Path scratch;

    /**
     * The last column: edges that the corpus reaches by itself. Far fewer mean that the instrumentation does not work.
     */
    @ParameterizedTest
    @EnabledOnOs(architectures = "amd64", disabledReason = "Jazzer's native part for Linux is for x86-64 only")
    @CsvSource({"server, FuzzedServer, 400", "client, FuzzedClient, 300"})
    void nothingEscapes(String side, String target, int leastCoverage) throws Exception {
        Path found = Path.of(System.getProperty("gossamer.fuzz.found", scratch.resolve("found") + ""))
                .resolve(side);
        Files.createDirectories(found);
        Path log = scratch.resolve("log");
        Process fuzzer = new ProcessBuilder(command(target, found))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertTrue(fuzzer.waitFor(1, TimeUnit.HOURS), () -> "still fuzzing");
        } finally {
            fuzzer.destroyForcibly().onExit().join();
        }
        String text = Files.readString(log);
        assertEquals(0, fuzzer.exitValue(), text);
        Matcher coverage = COVERAGE.matcher(text);
        assertTrue(coverage.find(), text);
        assertTrue(Integer.parseInt(coverage.group(2)) >= leastCoverage, text);
    }

    private List<String> command(String target, Path found) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "com.code_intelligence.jazzer.Jazzer"));
        command.addAll(List.of(
                "--target_class=" + FuzzedServer.class.getPackageName() + "." + target,
                "--instrumentation_includes=dev.gossamer.nbd.**",
                "--custom_hook_includes=dev.gossamer.nbd.**",
                "--reproducer_path=" + scratch,
                "-artifact_prefix=" + scratch + "/",
                "-seed=" + (Seeds.of(1) & Integer.MAX_VALUE),
                "-runs=" + RUNS,
                "-max_len=4096",
                found.toString(),
                FuzzCorpusTest.CORPUS
                        .resolve(target.equals("FuzzedServer") ? "server" : "client")
                        .toString()));
        return command;
    }
}
