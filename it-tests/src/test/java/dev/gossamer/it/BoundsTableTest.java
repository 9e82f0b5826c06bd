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
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code ARCHITECTURE.md}, "Bounds": the table has no empty cell, and every row has tests that exist. */
final class BoundsTableTest {
    private static final Pattern ROW = Pattern.compile("^\\| (\\d+) \\| (.+) \\|$", Pattern.MULTILINE);
    private static final Pattern PROOF = Pattern.compile("^- (\\d+): ((?:.|\n(?!- |\n))+)", Pattern.MULTILINE);
    private static final Pattern NAMED = Pattern.compile("`(\\w+Test)(?:#(\\w+))?`");
    private static final Pattern TYPE = Pattern.compile("`(\\w+)(?:\\.(\\w+))?`");

    private final Path root = Path.of(System.getProperty("gossamer.root"));
    private final Map<Integer, String[]> rows = new TreeMap<>();
    private final Map<Integer, String> proofs = new TreeMap<>();

    @BeforeEach
    void read() throws IOException {
        String text = Files.readString(root.resolve("ARCHITECTURE.md"));
        String section = text.substring(text.indexOf("## Bounds"), text.indexOf("## When something fails"));
        for (MatchResult row : ROW.matcher(section).results().toList()) {
            rows.put(Integer.parseInt(row.group(1)), row.group(2).split(" \\| ", -1));
        }
        for (MatchResult proof : PROOF.matcher(section).results().toList()) {
            proofs.put(Integer.parseInt(proof.group(1)), proof.group(2));
        }
    }

    @Test
    void everyRowHasAllItsCellsAndAProof() {
        assertTrue(rows.size() >= 23, rows.size() + " rows");
        assertEquals(rows.keySet(), proofs.keySet());
        rows.forEach((number, cells) -> {
            assertEquals(5, cells.length, "row " + number);
            for (String cell : cells) {
                assertTrue(!cell.isBlank(), "row " + number);
            }
        });
    }

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        Map<String, String> classes = sources("src/test/java");
        List<String> missing = new ArrayList<>();
        proofs.forEach((number, proof) -> {
            List<MatchResult> named = NAMED.matcher(proof).results().toList();
            assertTrue(!named.isEmpty(), "row " + number + " has no test");
            for (MatchResult test : named) {
                String source = classes.get(test.group(1));
                if (source == null || (test.group(2) != null && !source.contains("void " + test.group(2) + "("))) {
                    missing.add(number + ": " + test.group());
                }
            }
        });
        assertEquals(List.of(), missing);
    }

    @Test
    void whoCountsIsAClassOfOurs() throws IOException {
        Map<String, String> classes = sources("src/main/java");
        List<String> missing = new ArrayList<>();
        rows.forEach((number, cells) -> {
            for (MatchResult type : TYPE.matcher(cells[3]).results().toList()) {
                String source = classes.get(type.group(1));
                if (source == null || (type.group(2) != null && !source.contains(" " + type.group(2) + "("))) {
                    missing.add(number + ": " + type.group());
                }
            }
        });
        assertEquals(List.of(), missing);
    }

    /** By class name; of one name in two modules, both. */
    private Map<String, String> sources(String directory) throws IOException {
        Map<String, String> classes = new HashMap<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path tree : modules.map(module -> module.resolve(directory))
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
