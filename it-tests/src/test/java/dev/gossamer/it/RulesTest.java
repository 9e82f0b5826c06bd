package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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

/** {@code thin-target/RULES.md} says which test proves which rule: the tests it names exist. */
final class RulesTest {
    /** A test class, perhaps with a method of it, in back quotes. */
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|Contract))(?:#(\\w+))?`");

    /** A row of a table: rule, tests, remark. */
    private static final Pattern ROW =
            Pattern.compile("^\\| ([^|]+) \\| ?([^|]*) \\| ?([^|]*) ?\\|$", Pattern.MULTILINE);

    private final Path root = Path.of(System.getProperty("gossamer.root"));

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        Map<String, String> classes = testClasses();
        List<MatchResult> named = NAMED.matcher(rules()).results().toList();
        assertTrue(named.size() > 100, named.size() + " tests are named");
        List<String> missing = new ArrayList<>();
        for (MatchResult name : named) {
            String source = classes.get(name.group(1));
            String method = name.group(2);
            if (source == null || (method != null && !source.contains("void " + method + "("))) {
                missing.add(name.group());
            }
        }
        assertEquals(List.of(), missing);
    }

    @Test
    void everyRuleHasATestOrTheReasonWhyNot() throws IOException {
        List<String> bare = new ArrayList<>();
        int rows = 0;
        for (MatchResult row : ROW.matcher(rules()).results().toList()) {
            rows++;
            if (!NAMED.matcher(row.group(2)).find() && row.group(3).isBlank()) {
                bare.add(row.group(1));
            }
        }
        assertTrue(rows > 90, rows + " rows");
        assertEquals(List.of(), bare);
    }

    private String rules() throws IOException {
        return Files.readString(root.resolve("thin-target/RULES.md"));
    }

    /** Sources of all test classes, by name; of one name in two modules, both. */
    private Map<String, String> testClasses() throws IOException {
        Map<String, String> classes = new HashMap<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path tree : modules.map(module -> module.resolve("src/test/java"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(tree)) {
                    for (Path file :
                            files.filter(f -> f.toString().endsWith(".java")).toList()) {
                        String name = file.getFileName().toString();
                        classes.merge(name.substring(0, name.length() - 5), Files.readString(file), String::concat);
                    }
                }
            }
        }
        return classes;
    }
}
