package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** PROTOCOL.md says which test proves which requirement: every test that it names is there. */
final class ProtocolTableTest {
    /**
     * {@code FooTest}, {@code FooTest.method}, {@code FooTest.begin…} or {@code .begin…}, which goes on with the test
     * before.
     */
    private static final Pattern NAME = Pattern.compile("`(\\w+Test)?(?:\\.(\\w+)…?\\w*)?…?`");

    @Test
    void everyTestThatTheTablesNameIsThere() throws IOException {
        Map<String, String> tests = ClassSources.below("src/test/java");
        List<String> missing = new ArrayList<>();
        int named = 0;
        String text = Files.readString(ClassSources.root().resolve("nbd-protocol/PROTOCOL.md"));
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
