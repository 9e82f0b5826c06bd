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
    private static final int FILE_LINES_MAX = 500;
    private static final int METHOD_LINES_MAX = 50;
    private static final int COLUMNS_MAX = 120;
    // in two parts, so that this file does not find itself
    private static final Pattern UNFINISHED = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b");
    /** In two parts as well. */
    private static final Pattern OWN_CHANCE =
            Pattern.compile("new (Splittable)?Ran" + "dom\\(|ThreadLocalRan" + "dom|Math\\.ran" + "dom");

    /** Names that are device-mapper's own, and systemd's. */
    private static final Set<String> FIELD_TERMS =
            Set.of("BlockManager.java", "TransactionManager.java", "ServiceManager.java");

    /** A line that is one link, perhaps of a list, perhaps with its name before it. */
    private static final Pattern LINK = Pattern.compile("\\W*(\\[[^\\]]*\\])?\\W*(https?://|[\\w./-]+\\.md)\\S*");

    private static final Pattern VAGUE_NAME = Pattern.compile(".*(Manager|Helper|Util|Utils|Impl)\\.java");
    /** A public type at the left margin, perhaps with annotations before it. */
    private static final Pattern PUBLIC_TYPE = Pattern.compile(
            "^public [\\w\\s-]*?\\b(class|interface|record|enum|@interface)\\s+(\\w+)", Pattern.MULTILINE);

    /** The root, and the directories in it. */
    private static List<Path> modules() throws IOException {
        Path root = Path.of(System.getProperty("gossamer.root")).toRealPath();
        try (Stream<Path> modules = Files.list(root)) {
            return Stream.concat(
                            Stream.of(root), modules.filter(Files::isDirectory).sorted())
                    .toList();
        }
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (Path tree : modules().stream()
                .map(module -> module.resolve("src"))
                .filter(Files::isDirectory)
                .toList()) {
            try (Stream<Path> files = Files.walk(tree)) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
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

    /** So that one property replays every random test. */
    @Test
    void chanceComesFromTheSeedOfTheRunOnly() throws IOException {
        List<Path> found = new ArrayList<>();
        for (Path source : sources()) {
            if (OWN_CHANCE.matcher(Files.readString(source)).find()
                    && !source.endsWith("sim/Seeds.java")
                    && source.toString().contains("/src/test/")) {
                found.add(source);
            }
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
            if (lines > FILE_LINES_MAX) {
                found.add(source + ": " + lines + " lines");
            }
        }
        assertEquals(List.of(), found);
    }

    @Test
    void methodsAreOfReadableLength() throws IOException {
        List<SourceLengths.Method> methods = SourceLengths.methods(sources().stream()
                .filter(source -> source.toString().contains("/src/main/"))
                .toList());
        assertTrue(methods.size() > 2000, () -> "only " + methods.size() + " methods found");
        assertEquals(
                List.of(),
                methods.stream()
                        .filter(method -> method.lines() > METHOD_LINES_MAX)
                        .toList());
    }

    /** Counted in characters. A link that is longer than a line cannot be broken. */
    @Test
    void linesFitInTheirColumns() throws IOException {
        List<Path> all = new ArrayList<>(sources());
        all.addAll(prose());
        List<String> found = new ArrayList<>();
        for (Path file : all) {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (line.codePointCount(0, line.length()) > COLUMNS_MAX
                        && !LINK.matcher(line).matches()) {
                    found.add(file + ":" + number);
                }
            }
        }
        assertEquals(List.of(), found);
    }

    /** Documents of the project and of its modules. */
    private static List<Path> prose() throws IOException {
        List<Path> prose = new ArrayList<>();
        for (Path directory : modules()) {
            try (Stream<Path> files = Files.list(directory)) {
                files.filter(file -> file.toString().endsWith(".md")).forEach(prose::add);
            }
        }
        assertTrue(prose.size() > 5, () -> "only these documents found: " + prose);
        return prose;
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
