package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs external programs with a time limit and keeps what they print. */
final class Tool {
    static final Duration LIMIT = Duration.ofSeconds(60);

    private Tool() {}

    /** What a program left behind: exit status, standard output and standard error. */
    record Result(List<String> command, int status, String out, String err) {

        Result expectStatus(int expected) {
            assertEquals(expected, status, this::toString);
            return this;
        }

        /** One of the exit codes that say why something was not done; which one, CommandsOnDaemonTest looks. */
        Result expectRefused() {
            assertTrue(Set.of(1, 5, 6, 7, 8, 9, 10).contains(status), this::toString);
            return this;
        }

        /** The lines of standard error, empty ones left out. */
        List<String> errorLines() {
            return err.lines().filter(line -> !line.isBlank()).toList();
        }

        @Override
        public String toString() {
            return String.join(" ", command) + "\nexit status " + status + "\nstdout:\n" + out + "\nstderr:\n" + err;
        }
    }

    /** Runs the program; the result may be any exit status. Fails if it takes longer than {@link #LIMIT}. */
    static Result run(String... command) throws IOException, InterruptedException {
        return run(LIMIT, List.of(command));
    }

    /** Runs the program and fails unless it exits with 0. */
    static Result succeed(String... command) throws IOException, InterruptedException {
        return run(command).expectStatus(0);
    }

    static Result run(Duration limit, List<String> command) throws IOException, InterruptedException {
        // Files, not pipes: a program that prints much cannot block, and nothing has to read along.
        Path out = Files.createTempFile("gossamer-it", ".out");
        Path err = Files.createTempFile("gossamer-it", ".err");
        try {
            ProcessBuilder builder = new ProcessBuilder(withFullPath(command));
            builder.redirectInput(
                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
            builder.redirectOutput(out.toFile()).redirectError(err.toFile());
            builder.environment().put("LC_ALL", "C.UTF-8");
            Process process = builder.start();
            boolean done;
            try {
                done = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                end(process);
            }
            Result result = new Result(
                    command,
                    process.waitFor(),
                    new String(Files.readAllBytes(out), UTF_8),
                    new String(Files.readAllBytes(err), UTF_8));
            return done ? result : fail("not done after " + limit.toSeconds() + " s: " + result);
        } finally {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        }
    }

    /** thin_check, nbd-client and mkfs live in sbin directories, which an ordinary user's PATH may lack. */
    private static List<String> withFullPath(List<String> command) {
        String program = command.getFirst();
        for (String directory : program.contains("/") ? List.<String>of() : List.of("/usr/sbin", "/sbin")) {
            Path candidate = Path.of(directory, program);
            if (Files.isExecutable(candidate)) {
                return Stream.concat(
                                Stream.of(candidate.toString()),
                                command.stream().skip(1))
                        .toList();
            }
        }
        return command;
    }

    /** Ends a process and everything it has started; returns when the process itself is gone. */
    static void end(Process process) throws InterruptedException {
        if (!process.isAlive()) {
            return;
        }
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        children.forEach(ProcessHandle::destroyForcibly);
        process.waitFor();
    }
}
