package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One run of a script of {@code it-tests/guest} in an emulated machine with a Linux kernel of its own. */
final class Guest {
    private static final int LIMIT_SECONDS = 200;

    private final Path scratch;
    private final String script;
    private final List<String> options = new ArrayList<>(List.of("-t", Integer.toString(LIMIT_SECONDS)));
    private final List<String> disks = new ArrayList<>();
    private final Map<String, Reaction> reactions = new HashMap<>();
    private Daemon server;

    /** What the host does while the guest goes on. */
    interface Reaction {
        void run() throws Exception;
    }

    /** @param scratch a folder for what the run needs; a name in it is {@code guest} */
    Guest(Path scratch, String script) {
        this.scratch = scratch;
        this.script = script;
    }

    private static Path folder() {
        return Path.of(System.getProperty("gossamer.root"), "it-tests", "guest").normalize();
    }

    /** Lets the guest reach a daemon that listens on TCP; the script finds the port as {@code PORT}. */
    Guest connectedTo(Daemon daemon) {
        server = daemon;
        options.add("-n");
        return with("PORT", daemon.tcpPort());
    }

    /** More memory than the usual 384 MiB. */
    Guest withMemory(int mebibytes) {
        options.addAll(List.of("-m", Integer.toString(mebibytes)));
        return this;
    }

    /** More time than the usual {@value #LIMIT_SECONDS} s: Java starts slowly where every instruction is emulated. */
    Guest withLimit(int seconds) {
        options.addAll(List.of("-t", Integer.toString(seconds)));
        return this;
    }

    /** A variable for the script. */
    Guest with(String variable, Object value) {
        options.addAll(List.of("-e", variable + "=" + value));
        return this;
    }

    /** A file that the script finds in {@code /host}. */
    Guest with(Path file) {
        options.addAll(List.of("-f", file.toString()));
        return this;
    }

    /** A raw image as the next disk, {@code /dev/vda} first. Its length must be a multiple of 512 bytes. */
    Guest withDisk(Path image) {
        disks.add(image.toString());
        return this;
    }

    /** When the guest prints exactly this line, the host does that; the guest does not wait for its end. */
    Guest on(String line, Reaction reaction) {
        reactions.put(line, reaction);
        return this;
    }

    /** Runs the script to its end and returns the lines that the guest printed; fails if the script does. */
    List<String> run() throws Exception {
        List<String> command =
                new ArrayList<>(List.of(folder().resolve("run-guest").toString()));
        command.addAll(options);
        command.add(folder().resolve(script).toString());
        command.addAll(disks);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment()
                .put("TMPDIR", Files.createDirectories(scratch.resolve("guest")).toString());
        Process process = builder.start();
        List<String> console = new ArrayList<>();
        boolean passed = false;
        try (BufferedReader lines = process.inputReader(UTF_8)) {
            follow(lines, console);
            assertEquals(0, process.waitFor(), "exit status of the guest; its console is above");
            passed = true;
        } finally {
            Tool.end(process);
            if (!passed) {
                console.forEach(System.out::println);
                System.out.println(server == null ? "" : server.logText());
            }
        }
        return console;
    }

    private void follow(BufferedReader lines, List<String> console) throws Exception {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            console.add(line);
            Reaction reaction = reactions.get(line);
            if (reaction != null) {
                reaction.run();
            }
        }
    }
}
