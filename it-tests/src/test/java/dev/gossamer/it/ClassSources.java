package dev.gossamer.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The Java sources of all modules, for tests that hold a document against them. */
final class ClassSources {
    private ClassSources() {}

    /** The project's root directory. */
    static Path root() throws IOException {
        return Path.of(System.getProperty("gossamer.root")).toRealPath();
    }

    /**
     * Texts by the class's name; of one name in two modules, both.
     *
     * @param directory within each module, as {@code src/test/java}
     */
    static Map<String, String> below(String directory) throws IOException {
        Map<String, String> classes = new HashMap<>();
        try (Stream<Path> modules = Files.list(root())) {
            for (Path tree : modules.map(module -> module.resolve(directory))
                    .filter(Files::isDirectory)
                    .toList()) {
                for (Path file : javaFiles(tree)) {
                    String name = file.getFileName().toString();
                    classes.merge(
                            name.substring(0, name.length() - ".java".length()),
                            Files.readString(file),
                            String::concat);
                }
            }
        }
        return classes;
    }

    private static List<Path> javaFiles(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        }
    }
}
