package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A signal in the middle of an offline tool: what it writes is whole or not there, what was there before is as it was,
 * no file of its own is left, its devices are free, and its exit status is that of the signal.
 *
 * <p>Takes some seconds: each tool is a process on a pool that keeps it busy for longer than a signal needs.
 */
final class ToolSignalsTest {
    private static final int INTERRUPTED = 130;
    private static final int TERMINATED = 143;

    @TempDir
    private Path scratch;

    private Path metadata;
    private List<String> before;
    private int next;

    @BeforeEach
    void makePool() throws Exception {
        metadata = scratch.resolve("pool.meta");
        gossamer(
                        "generate",
                        "--file-size",
                        "48",
                        "--devices",
                        "2",
                        "--mappings",
                        "900000",
                        "--fragmented",
                        "-o",
                        metadata.toString())
                .expectStatus(0);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(scratch)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith("tool"))
                    .sorted()
                    .toList();
        }
    }

    private Process start(String... command) throws IOException {
        before = files();
        // What runs in the background of a shell has Ctrl-C's signal ignored, and Java leaves it so.
        List<String> all = new ArrayList<>(List.of("env", "--default-signal=INT,TERM"));
        all.add(Path.of(System.getProperty("gossamer.home"), "bin", "gossamer").toString());
        all.addAll(Arrays.asList(command));
        return new ProcessBuilder(all)
                .redirectErrorStream(true)
                .redirectOutput(scratch.resolve("tool.log").toFile())
                .start();
    }

    /** Turns about: each tool has one of the two signals. */
    private int end(Process process) throws Exception {
        String signal = next++ % 2 == 0 ? "-INT" : "-TERM";
        Tool.succeed("kill", signal, Long.toString(process.pid()));
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the tool goes on");
        return signal.equals("-INT") ? INTERRUPTED : TERMINATED;
    }

    /** When its output begins to be written: a file that was not there. */
    private void awaitFile(Process process) throws Exception {
        while (process.isAlive() && files().equals(before)) {
            Thread.sleep(2);
        }
    }

    private void assertEnded(Process process, int status, String what) throws Exception {
        assertEquals(status, process.waitFor(), () -> what + ": " + log());
        assertEquals(before, files(), what);
        // Nobody has it any more: this wants it for itself.
        gossamer("check", "--super-block-only", "--clear-needs-check-flag", metadata.toString())
                .expectStatus(0);
    }

    private String log() {
        try {
            return Files.readString(scratch.resolve("tool.log"));
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    @Test
    void whatMakesAFileLeavesNoneOfIt() throws Exception {
        String input = metadata.toString();
        Path pack = scratch.resolve("pool.pack");
        gossamer("pack", "-i", input, "-o", pack.toString()).expectStatus(0);
        Path data = scratch.resolve("data");
        size(data, 1_900_000L << 16);
        String output = scratch.resolve("output").toString();
        for (List<String> tool : List.of(
                List.of("dump", "-o", output, input),
                List.of("pack", "-i", input, "-o", output),
                List.of("unpack", "-i", pack.toString(), "-o", output),
                List.of("generate", "--file-size", "200", "--devices", "9", "--mappings", "900000", "-o", output),
                List.of("extract", "--thin", "1", "--data", data.toString(), "-o", output, input))) {
            Process process = start(tool.toArray(String[]::new));
            awaitFile(process);
            int status = end(process);
            assertEnded(process, status, tool.getFirst());
        }
    }

    @Test
    void whatWasThereStaysUntilTheNewOneIsWhole() throws Exception {
        Path output = Files.writeString(scratch.resolve("output"), "before");
        Process process = start("dump", "-o", output.toString(), metadata.toString());
        awaitFile(process);
        int status = end(process);
        assertEnded(process, status, "dump");
        assertEquals("before", Files.readString(output));
    }

    /** The input stands still in the middle, so that the signal comes while the device is being written. */
    @Test
    void whatWritesToADeviceLeavesNoPool() throws Exception {
        byte[] xml = gossamer("dump", metadata.toString()).expectStatus(0).out().getBytes(StandardCharsets.US_ASCII);
        Path output = scratch.resolve("output");
        Files.copy(metadata, output);
        byte[] old = block(output);
        Process process = start("restore", "--force", "-i", "-", "-o", output.toString());
        try (OutputStream in = process.getOutputStream()) {
            in.write(xml, 0, xml.length / 2);
            in.flush();
            awaitChange(process, output, old);
            int status = end(process);
            assertEnded(process, status, "restore");
        } catch (IOException e) {
            // The pipe is closed: nobody reads it any more.
        }
        gossamer("check", output.toString()).expectStatus(6);

        byte[] input = Files.readAllBytes(metadata);
        size(output, 48 << 20);
        old = block(output);
        process = start("repair", "--yes", "-i", metadata.toString(), "-o", output.toString());
        awaitChange(process, output, old);
        int status = end(process);
        assertEnded(process, status, "repair");
        int verdict = gossamer("check", output.toString()).status();
        assertTrue(verdict == 6 || verdict == 0, "no pool or a whole one, not " + verdict);
        assertArrayEquals(input, Files.readAllBytes(metadata));
    }

    /** Block 0 is zeroed first, block 1 is the next. */
    private static void awaitChange(Process process, Path device, byte[] old) throws Exception {
        while (process.isAlive() && Arrays.equals(old, block(device))) {
            Thread.sleep(2);
        }
    }

    private static byte[] block(Path device) throws IOException {
        byte[] bytes = new byte[2 * 4096];
        try (RandomAccessFile file = new RandomAccessFile(device.toFile(), "r")) {
            file.readFully(bytes);
        }
        return bytes;
    }

    private static void size(Path file, long bytes) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(0);
            made.setLength(bytes);
        }
    }

    /** A tool that looks at a pool while that is served holds it still, and must not leave it so. */
    @Test
    void aServedPoolIsNotHeldStillForEver() throws Exception {
        try (Daemon daemon = Daemon.create(scratch, "--size", "64M").start()) {
            String pool = daemon.directory().toString();
            Path full = scratch.resolve("tool.fifo");
            Tool.succeed("mkfifo", full.toString());
            try (RandomAccessFile pipe = new RandomAccessFile(full.toFile(), "rw")) {
                pipe.write(new byte[64 << 10]); // the tool waits with its first line, and holds the pool
                Process process = new ProcessBuilder(
                                Path.of(System.getProperty("gossamer.home"), "bin", "gossamer")
                                        .toString(),
                                "check",
                                pool)
                        .redirectError(full.toFile())
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                while (process.isAlive() && !isHeld(pool)) {
                    Thread.sleep(20);
                }
                assertTrue(process.isAlive(), "it waits");
                Tool.succeed("kill", "-TERM", Long.toString(process.pid()));
                assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the tool goes on");
                assertEquals(TERMINATED, process.exitValue());
            }
            assertFalse(isHeld(pool), "nobody would release it");
            daemon.stopAndCheck();
        }
    }

    private static boolean isHeld(String pool) throws Exception {
        String status = gossamer("status", "-p", pool, "--json").expectStatus(0).out();
        return new ObjectMapper()
                        .readTree(status)
                        .findValue("metadataSnapshotBlock")
                        .asLong()
                != 0;
    }
}
