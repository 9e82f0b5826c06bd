package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark runs, and its load generator believes nothing that it reads. Speed is not judged here. */
@Tag("measures")
final class BenchTest {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Path BENCH = Path.of(System.getProperty("gossamer.root"), "it-tests", "bench");

    @TempDir
    private Path scratch;

    private static Tool.Result bench(String... options) throws IOException, InterruptedException {
        List<String> command = Stream.concat(
                        Stream.of("python3", BENCH.resolve("run").toString()), Stream.of(options))
                .toList();
        return Tool.run(LIMIT, command).expectStatus(0);
    }

    @Test
    void everyToolIsMeasuredBesideItsPeer() throws Exception {
        Path json = scratch.resolve("tools.json");
        String[] command = {
            "python3",
            BENCH.resolve("tools").toString(),
            "--mappings",
            "20000",
            "--rounds",
            "1",
            "--json",
            json.toString()
        };

        Tool.run(LIMIT, List.of(command)).expectStatus(0);

        JsonNode samples = new ObjectMapper().readTree(json.toFile());
        for (String tool : List.of("check", "dump", "restore", "repair")) {
            for (String contender : List.of("gossamer", "0.9")) {
                assertTrue(
                        StreamSupport.stream(samples.spliterator(), false)
                                .anyMatch(sample -> sample.path("case").asText().equals(tool)
                                        && sample.path("contender").asText().equals(contender)
                                        && sample.path("cpu_s").asDouble() > 0),
                        tool + " of " + contender);
            }
        }
    }

    @Test
    void everyCaseRunsAndReadsWhatItWrote() throws Exception {
        List<String> cases =
                bench("--list").out().lines().map(line -> line.split(" ", 2)[0]).toList();
        Path json = scratch.resolve("bench.json");

        bench(
                "--quick",
                "--seconds=0.2",
                "--contender=gossamer",
                "--home=" + System.getProperty("gossamer.home"),
                "--directory=" + scratch,
                "--json=" + json);

        JsonNode results = new ObjectMapper().readTree(json.toFile()).path("cases");
        List<String> ran = StreamSupport.stream(results.spliterator(), false)
                .map(result -> result.path("case").asText())
                .toList();
        assertEquals(cases, ran);
        for (JsonNode result : results) {
            JsonNode sample = result.path("rows").path(0).path("rounds").path(0);
            String counted = sample.has("first_reply_s") ? "first_reply_s" : "ios";
            assertTrue(sample.path(counted).asDouble() > 0, result::toString);
        }
        try (Stream<Path> left = Files.list(scratch)) {
            assertEquals(List.of(json), left.toList(), "what the benchmark left behind");
        }
    }

    @Test
    void loadGeneratorNoticesASectorThatItDidNotWrite() throws Exception {
        Path generator = scratch.resolve("nbdload");
        Tool.succeed(
                "gcc",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-o",
                generator.toString(),
                BENCH.resolve("nbdload.c").toString());
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "8M");
            String[] read = load(generator, daemon, "--read-percent=100");
            String[] readInChunks = load(generator, daemon, "--read-percent=100", "--structured");
            Tool.succeed(read); // zeros
            Tool.succeed(load(generator, daemon, "--read-percent=0"));
            Tool.succeed(read);
            Tool.succeed(readInChunks);

            Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 1 1052160 512", daemon.uri("vol"));

            for (String[] command : List.of(read, readInChunks)) {
                Tool.Result result = Tool.run(command);
                assertNotEquals(0, result.status(), result::toString);
                assertTrue(result.err().contains("sector at 1052160 is wrong"), result::toString);
            }
            daemon.stopAndCheck();
        }
    }

    private String[] load(Path generator, Daemon daemon, String... options) {
        String[] common = {
            generator.toString(),
            "--socket=" + daemon.socket(),
            "--export=vol",
            "--state=" + scratch.resolve("state"),
            "--sequential",
            "--until-end",
            "--depth=8",
            "--block=65536"
        };
        return Stream.concat(Stream.of(common), Stream.of(options)).toArray(String[]::new);
    }
}
