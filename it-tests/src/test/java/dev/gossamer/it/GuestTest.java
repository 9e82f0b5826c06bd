package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Linux kernel in an emulated machine uses our volumes: ext4, a snapshot taken in the middle, fio, fstrim, e2fsck. */
final class GuestTest {
    private static final int LIMIT_SECONDS = 200;
    private static final String TAKE_SNAPSHOT = "guest: take the snapshot now";

    @TempDir
    private Path scratch;

    @Test
    void kernelMountsAVolumeAndItsSnapshot() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0")) {
            daemon.createVolume("vol", "256M");
            daemon.createVolume("raw", "128M");

            int status = runGuest("thin-volume.sh", daemon);

            daemon.stopAndCheck();
            assertEquals(0, status, "exit status of the guest; its console is above");
        }
    }

    private int runGuest(String script, Daemon daemon) throws Exception {
        Path guest = Path.of(System.getProperty("gossamer.root"), "it-tests", "guest")
                .normalize();
        List<String> command = new ArrayList<>(
                List.of(guest.resolve("run-guest").toString(), "-n", "-t", Integer.toString(LIMIT_SECONDS)));
        for (String variable : List.of(
                "PORT=" + daemon.tcpPort(),
                "VOLUME=vol",
                "VOLUME_BYTES=" + (256 << 20),
                "SNAPSHOT=frozen",
                "RAW=raw")) {
            command.addAll(List.of("-e", variable));
        }
        command.add(guest.resolve(script).toString());
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment()
                .put("TMPDIR", Files.createDirectory(scratch.resolve("guest")).toString());
        Process process = builder.start();
        List<String> console = new ArrayList<>();
        try (BufferedReader lines = process.inputReader(UTF_8)) {
            followConsole(lines, console, daemon);
            return process.waitFor();
        } finally {
            Tool.end(process);
            if (process.exitValue() != 0) {
                console.forEach(System.out::println);
                System.out.println(daemon.logText());
            }
        }
    }

    private static void followConsole(BufferedReader lines, List<String> console, Daemon daemon)
            throws IOException, InterruptedException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            console.add(line);
            if (line.equals(TAKE_SNAPSHOT)) {
                daemon.createSnapshot("vol", "frozen", "--read-only");
            }
        }
    }
}
