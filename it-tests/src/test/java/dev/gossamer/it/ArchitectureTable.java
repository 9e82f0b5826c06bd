package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** A table of {@code ARCHITECTURE.md} with numbered rows, and the list behind it of the tests that prove each row. */
final class ArchitectureTable {
    private static final Pattern ROW = Pattern.compile("^\\| (\\d+) \\| (.+) \\|$", Pattern.MULTILINE);
    private static final Pattern PROOF = Pattern.compile("^- (\\d+): ((?:.|\n(?!- |\n))+)", Pattern.MULTILINE);
    private static final Pattern NAMED = Pattern.compile("`(\\w+Test)(?:#(\\w+))?`");
    private static final Pattern TYPE = Pattern.compile("`(\\w+)(?:\\.(\\w+))?`");

    /** Cells of a row behind its number. */
    private static final int CELLS = 5;

    private final Map<Integer, String[]> rows = new TreeMap<>();
    private final Map<Integer, String> proofs = new TreeMap<>();

    /** The table of the section with this heading, which ends at the other. */
    ArchitectureTable(String heading, String nextHeading) throws IOException {
        String text = Files.readString(ClassSources.root().resolve("ARCHITECTURE.md"));
        String section = text.substring(text.indexOf(heading), text.indexOf(nextHeading));
        for (MatchResult row : ROW.matcher(section).results().toList()) {
            rows.put(Integer.parseInt(row.group(1)), row.group(2).split(" \\| ", -1));
        }
        for (MatchResult proof : PROOF.matcher(section).results().toList()) {
            proofs.put(Integer.parseInt(proof.group(1)), proof.group(2));
        }
    }

    void assertEveryRowHasAllItsCellsAndAProof(int rowsAtLeast) {
        assertTrue(rows.size() >= rowsAtLeast, rows.size() + " rows");
        assertEquals(rows.keySet(), proofs.keySet());
        rows.forEach((number, cells) -> {
            assertEquals(CELLS, cells.length, "row " + number);
            for (String cell : cells) {
                assertTrue(!cell.isBlank(), "row " + number);
            }
        });
    }

    void assertEveryTestThatIsNamedExists() throws IOException {
        Map<String, String> classes = ClassSources.below("src/test/java");
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

    /** Whether what this cell of each row names is a class of ours, with the method if one is named. */
    void assertTypesExistInCell(int index) throws IOException {
        Map<String, String> classes = ClassSources.below("src/main/java");
        List<String> missing = new ArrayList<>();
        rows.forEach((number, cells) -> {
            for (MatchResult type : TYPE.matcher(cells[index]).results().toList()) {
                String source = classes.get(type.group(1));
                if (source == null || (type.group(2) != null && !source.contains(" " + type.group(2) + "("))) {
                    missing.add(number + ": " + type.group());
                }
            }
        });
        assertEquals(List.of(), missing);
    }
}
