package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What newcomers read says what is there: the map has every package, packages say what they are, names exist. */
final class DocumentsTest {
    private static final List<String> READ_BY_NEWCOMERS = List.of("ARCHITECTURE.md", "CONTRIBUTING.md");

    /** A class in back quotes, perhaps with a member. */
    private static final Pattern CLASS = Pattern.compile("`([A-Z][a-z]\\w*)(?:[.#](\\w+))?`");

    private static final Pattern NESTED = Pattern.compile("\\b(?:class|interface|enum|record) (\\w+)");
    private static final Pattern PACKAGE = Pattern.compile("`([a-z][a-z.]*)`");
    /** The end of a sentence, not the dot of a name or of a file's ending. */
    private static final Pattern SENTENCE = Pattern.compile("[.](\\s|$)");

    /** By the name within {@code dev.gossamer}: the text of its {@code package-info}, empty if it has none. */
    private static Map<String, String> packages() throws IOException {
        Map<String, String> packages = new TreeMap<>();
        try (Stream<Path> modules = Files.list(ClassSources.root())) {
            for (Path top : modules.map(module -> module.resolve("src/main/java/dev/gossamer"))
                    .filter(Files::isDirectory)
                    .toList()) {
                addPackages(top, packages);
            }
        }
        assertTrue(packages.size() > 40, () -> "only " + packages.keySet());
        return packages;
    }

    private static void addPackages(Path top, Map<String, String> packages) throws IOException {
        List<Path> sources;
        try (Stream<Path> files = Files.walk(top)) {
            sources = files.filter(file -> file.toString().endsWith(".java")).toList();
        }
        for (Path source : sources) {
            String name = top.relativize(source.getParent()).toString().replace('/', '.');
            boolean isInfo = source.endsWith("package-info.java");
            packages.merge(name, isInfo ? Files.readString(source) : "", (one, other) -> one.isEmpty() ? other : one);
        }
    }

    @Test
    void theMapHasEveryPackageAndNoOther() throws IOException {
        Set<String> mapped = Files.readAllLines(ClassSources.root().resolve("ARCHITECTURE.md")).stream()
                .dropWhile(line -> !line.startsWith("| package |"))
                .takeWhile(line -> line.startsWith("|"))
                .flatMap(line -> PACKAGE.matcher(line.split("\\|", -1)[1]).results())
                .map(name -> name.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(packages().keySet(), mapped);
    }

    /** What lives there, which thread owns it, what may come in: that takes more than one sentence. */
    @Test
    void everyPackageSaysWhatItIs() throws IOException {
        List<String> silent = new ArrayList<>();
        packages().forEach((name, text) -> {
            String comment =
                    text.contains("*/") ? text.substring(0, text.indexOf("*/")).strip() : "";
            if (SENTENCE.matcher(comment).results().count() < 2) {
                silent.add(name);
            }
        });
        assertEquals(List.of(), silent);
    }

    @Test
    void everyClassThatIsNamedExists() throws IOException {
        Map<String, String> sources = ClassSources.below("src");
        Set<String> classes = new TreeSet<>(sources.keySet());
        sources.values()
                .forEach(text -> NESTED.matcher(text).results().forEach(nested -> classes.add(nested.group(1))));
        List<String> gone = new ArrayList<>();
        int named = 0;
        for (String document : READ_BY_NEWCOMERS) {
            String text = Files.readString(ClassSources.root().resolve(document));
            for (MatchResult name : CLASS.matcher(text).results().toList()) {
                named++;
                String member = name.group(2);
                String source = sources.get(name.group(1));
                if (!classes.contains(name.group(1))
                        || (member != null && source != null && !source.contains(member))) {
                    gone.add(document + ": " + name.group());
                }
            }
        }
        assertTrue(named > 300, named + " classes are named");
        assertEquals(List.of(), gone);
    }
}
