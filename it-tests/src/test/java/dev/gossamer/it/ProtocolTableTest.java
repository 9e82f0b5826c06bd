package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** PROTOCOL.md says which test proves which requirement: every test that it names is there. */
final class ProtocolTableTest {
    /**
     * {@code FooTest}, {@code FooTest.method}, {@code FooTest.begin…} or {@code .begin…}, which goes on with the test
     * before.
     */
    private static final Pattern NAME = Pattern.compile("`(\\w+Test)?(?:\\.(\\w+)…?\\w*)?…?`");

    private static Path root() throws IOException {
        return Path.of(System.getProperty("gossamer.root")).toRealPath();
    }

    /** Sources of tests by the class's name; some modules share a name. */
    private static Map<String, String> tests() throws IOException {
        Map<String, String> sources = new HashMap<>();
        try (Stream<Path> modules = Files.list(root())) {
            for (Path tree : modules.map(module -> module.resolve("src/test/java"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(tree)) {
                    files.filter(file -> file.toString().endsWith("Test.java"))
                            .forEach(file -> sources.merge(
                                    file.getFileName().toString().replace(".java", ""), read(file), String::concat));
                }
            }
        }
        return sources;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void everyTestThatTheTablesNameIsThere() throws IOException {
        Map<String, String> tests = tests();
        List<String> missing = new ArrayList<>();
        int named = 0;
        String text = Files.readString(root().resolve("nbd-protocol/PROTOCOL.md"));
        // an item of a list goes on in indented lines
        List<String> items = text.replace("\n  ", " ")
                .lines()
                .filter(line -> line.startsWith("- **"))
                .toList();
        for (String row : items) {
            String test = null;
            for (MatchResult name : NAME.matcher(row).results().toList()) {
                test = name.group(1) == null ? test : name.group(1);
                String source = tests.get(test);
                String method = name.group(2);
                named++;
                if (source == null || (method != null && !source.contains(" void " + method))) {
                    missing.add(name.group() + " in: " + row);
                }
            }
        }
        assertEquals(List.of(), missing);
        assertTrue(named > 150, "names found: " + named);
    }
}
