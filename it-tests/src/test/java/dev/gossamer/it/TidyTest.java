package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What compilers and formatters do not see in the source tree. */
final class TidyTest {
    private static final int LINES_MAX = 600;
    // in two parts, so that this file does not find itself
    private static final Pattern UNFINISHED = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b");
    /** Two names that are device-mapper's own. */
    private static final Set<String> FIELD_TERMS = Set.of("BlockManager.java", "TransactionManager.java");

    private static final Pattern VAGUE_NAME = Pattern.compile(".*(Manager|Helper|Util|Utils|Impl)\\.java");
    /** A public type at the left margin, perhaps with annotations before it. */
    private static final Pattern PUBLIC_TYPE = Pattern.compile(
            "^public [\\w\\s-]*?\\b(class|interface|record|enum|@interface)\\s+(\\w+)", Pattern.MULTILINE);

    private static List<Path> sources() throws IOException {
        Path root = Path.of(System.getProperty("gossamer.root")).toRealPath();
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path tree : modules.map(module -> module.resolve("src"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(tree)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
                }
            }
        }
        assertTrue(sources.size() > 20, () -> "only these sources found: " + sources);
        return sources;
    }

    @Test
    void nothingIsMarkedAsUnfinished() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources()) {
            Files.readAllLines(source).stream()
                    .filter(line -> UNFINISHED.matcher(line).find())
                    .forEach(line -> found.add(source + ": " + line.strip()));
        }
        assertEquals(List.of(), found);
    }

    @Test
    void namesSayWhatThingsAre() throws IOException {
        assertEquals(
                List.of(),
                sources().stream()
                        .filter(source -> VAGUE_NAME.matcher(source.toString()).matches())
                        .filter(source ->
                                !FIELD_TERMS.contains(source.getFileName().toString()))
                        .toList());
    }

    @Test
    void filesAreOfReadableLength() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources()) {
            int lines = Files.readAllLines(source).size();
            if (lines > LINES_MAX) {
                found.add(source + ": " + lines + " lines");
            }
        }
        assertEquals(List.of(), found);
    }

    @Test
    void publicTypesHaveAComment() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources()) {
            String text = Files.readString(source);
            PUBLIC_TYPE
                    .matcher(text)
                    .results()
                    .filter(type -> !endsWithComment(text.substring(0, type.start())))
                    .forEach(type -> found.add(source + ": " + type.group(2)));
        }
        assertEquals(List.of(), found);
    }

    /** Whether a Javadoc comment comes directly before the end, with nothing but annotations between. */
    private static boolean endsWithComment(String before) {
        int begin = before.lastIndexOf("/**");
        int end = before.lastIndexOf("*/");
        return begin >= 0
                && end > begin
                && !before.substring(end).replaceAll("//.*", "").contains(";");
    }
}
