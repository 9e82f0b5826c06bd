package dev.gossamer.it.sim.mutate;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Whether the simulation bites: compiles the one file of each {@link Mutation} anew, puts it before the real classes of
 * another Java, and counts the seeds until that finds something. Nothing of the build is touched.
 */
public final class Mutations {
    private static final String LIST = "it-tests/src/test/resources/mutations.txt";
    private static final long MINUTES_MAX = 10;
    private static final String PACKAGE = "dev.gossamer.it.sim.";

    /** A property of the Java that has a rule broken: its name. */
    public static final String BROKEN = "gossamer.broken";

    private Mutations() {}

    /** Where the source tree is. */
    static Path root() {
        return Path.of(System.getProperty("gossamer.root", ""));
    }

    static List<Mutation> all() throws IOException {
        return Mutation.read(Files.readAllLines(root().resolve(LIST)));
    }

    /**
     * Runs those whose names are given, separated by commas; all if none are.
     *
     * @return whether every one was found
     */
    public static boolean run(String names, long seeds) throws IOException {
        List<String> wanted = names.isEmpty() ? List.of() : List.of(names.split(","));
        boolean all = true;
        System.out.println("| mutation | rule | found by | seeds |\n|---|---|---|---|");
        for (Mutation mutation : all()) {
            if (wanted.isEmpty() || wanted.contains(mutation.name())) {
                String found = hunt(mutation, seeds);
                all &= !found.startsWith("nobody");
                System.out.println("| " + mutation.name() + " | " + mutation.rule() + " | " + found + " |");
            }
        }
        return all;
    }

    private interface OnClasses<T> {
        T run(Path classes) throws IOException;
    }

    private static String hunt(Mutation mutation, long seeds) throws IOException {
        return with(mutation, classes -> runOn(mutation, classes, seeds));
    }

    /**
     * The whole simulation, with a rule broken, as its command line says.
     *
     * @return its exit code
     */
    public static int tell(String name, String... words) throws IOException {
        for (Mutation mutation : all()) {
            if (mutation.name().equals(name)) {
                return with(
                        mutation,
                        classes -> waitFor(java(mutation, classes, "Simulate", words)
                                .inheritIO()
                                .start()));
            }
        }
        System.err.println("simulate: " + LIST + " has no " + name);
        return 2;
    }

    private static int waitFor(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            return 2;
        }
    }

    private static <T> T with(Mutation mutation, OnClasses<T> action) throws IOException {
        Path classes = Files.createTempDirectory("gossamer-mutation");
        try {
            compile(mutation, classes);
            return action.run(classes);
        } finally {
            try (Stream<Path> files = Files.walk(classes)) {
                files.sorted(Comparator.reverseOrder()).forEach(Mutations::delete);
            }
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void compile(Mutation mutation, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<JavaFileObject> files = new ArrayList<>();
        for (Mutation.Edit edit : mutation.edits()) {
            files.add(inMemory(edit.file(), edit.source(root())));
        }
        StringWriter errors = new StringWriter();
        List<String> options = List.of(
                "-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none", "-nowarn");
        boolean good =
                compiler.getTask(errors, null, null, options, null, files).call();
        if (!good) {
            throw new IllegalStateException(mutation.name() + " does not compile: " + errors);
        }
    }

    private static JavaFileObject inMemory(Path file, String source) {
        return new SimpleJavaFileObject(URI.create("string:///" + file.getFileName()), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreErrors) {
                return source;
            }
        };
    }

    /** Another Java, with a rule broken. */
    private static ProcessBuilder java(Mutation mutation, Path classes, String main, String... words) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.add("-cp");
        command.add(classes + ":" + System.getProperty("java.class.path"));
        command.add("-D" + BROKEN + "=" + mutation.name());
        command.add(PACKAGE + main);
        command.addAll(List.of(words));
        return new ProcessBuilder(command);
    }

    private static String runOn(Mutation mutation, Path classes, long seeds) throws IOException {
        Process process = java(mutation, classes, "Hunt", Long.toString(seeds))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String last = "nobody: the run broke off | ";
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            Thread killer = Thread.ofVirtual().start(() -> kill(process));
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                last = line;
            }
            killer.interrupt();
        }
        return last;
    }

    private static void kill(Process process) {
        try {
            if (!process.waitFor(MINUTES_MAX, TimeUnit.MINUTES)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it has ended by itself
        }
    }
}
