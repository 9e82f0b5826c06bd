package dev.gossamer.daemon.cli.tools;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import picocli.CommandLine;

/** What a tool printed, ours in this process or a peer's. */
record ToolRun(int exitCode, String out, String err) {
    static ToolRun gossamer(String... arguments) {
        Class<?> tool = ToolCommands.all().get(arguments[0]);
        return of(new CommandLine(tool), Arrays.copyOfRange(arguments, 1, arguments.length));
    }

    /** Runs a command. */
    static ToolRun of(CommandLine tool, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode =
                tool.setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(arguments);
        return new ToolRun(exitCode, out.toString(), err.toString());
    }

    /** A peer that asks a question gets no answer, and says so: on a pipe it would wait for ever. */
    static ToolRun peer(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new ToolRun(process.waitFor(), out, "");
    }

    /** Names of all fixtures of thin pools. */
    static List<String> fixtures() throws IOException {
        try (Stream<Path> folders = Files.list(Path.of(System.getProperty("gossamer.fixtures")))) {
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(name -> name.matches("\\d.*"))
                    .sorted()
                    .toList();
        }
    }

    /** A file of a fixture, unpacked. */
    static Path unpack(String fixture, String file, Path to) throws IOException {
        Path packed = Path.of(System.getProperty("gossamer.fixtures"), fixture, file + ".gz");
        Path unpacked = to.resolve(fixture + "-" + file);
        if (Files.notExists(unpacked)) {
            try (InputStream bytes = new GZIPInputStream(Files.newInputStream(packed))) {
                Files.copy(bytes, unpacked);
            }
        }
        return unpacked;
    }
}
