package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * {@code RULES.md} of thin-target, snapshot-target and daemon say what each rule is and which test proves it. Whatever
 * rule the code cites has a text there, and whatever test they name exists, wherever it lies.
 */
final class RulesTest {
    /** A rule: its id, one sentence, and its tests or why there are none. */
    private static final Pattern RULE = Pattern.compile(
            "^- \\*\\*([^*]+)\\*\\* (.+?)\\s+(Tests|None): (.+?)(?=\\n- |\\n\\n|\\z)",
            Pattern.MULTILINE | Pattern.DOTALL);

    /** A test class, perhaps with a method or a nested class of it, in back quotes. */
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|Contract))(?:#(\\w+))?`");

    private static final String ID =
            "(?:(?:B|C|CL|D|DD|DI|E|EM|F|G|I|L|M|MSG|N|OP|OT|R|RL|RS|S|ST|T|W|X|Z)-[0-9]+a?|S-[A-Z][0-9])";
    /** An id in the code, or a range of them. */
    private static final Pattern CITED = Pattern.compile("(?<![\\w-])(" + ID + ")(?: to (" + ID + "))?(?![\\w-])");

    private static final Pattern NUMBER = Pattern.compile("(.*?)([0-9]+)a?");

    /** Families of which not every number has become a rule. */
    private static final Set<String> WITH_GAPS = Set.of("N-", "OP-", "OT-");

    private final List<MatchResult> rules = new ArrayList<>();

    @BeforeEach
    void readRules() throws IOException {
        for (String module : List.of("thin-target", "snapshot-target", "daemon")) {
            String text = Files.readString(ClassSources.root().resolve(module).resolve("RULES.md"));
            List<MatchResult> found = RULE.matcher(text).results().toList();
            long items = text.lines().filter(line -> line.startsWith("- **")).count();
            assertEquals(items, found.size(), module + ": rules that have a text, and tests or a reason");
            assertEquals(
                    items, found.stream().map(rule -> rule.group(1)).distinct().count(), module + ": an id twice");
            rules.addAll(found);
        }
        assertTrue(rules.size() > 150, rules.size() + " rules");
    }

    @Test
    void everyRuleThatTheCodeCitesHasAText() throws IOException {
        Set<String> known = new HashSet<>();
        rules.forEach(rule -> known.add(rule.group(1)));
        Set<String> unknown = new TreeSet<>();
        Set<String> cited = new HashSet<>();
        ClassSources.below("src").forEach((name, text) -> {
            for (MatchResult citation : CITED.matcher(text).results().toList()) {
                for (String id : idsOf(citation)) {
                    cited.add(id);
                    if (!known.contains(id)) {
                        unknown.add(id + " in " + name);
                    }
                }
            }
        });
        assertTrue(cited.size() > 100, () -> "only these are cited: " + cited);
        assertEquals(Set.of(), unknown);
    }

    /** An id is never used again, so a gap is a rule whose text has been lost, whether the code cites it or not. */
    @Test
    void noRuleIsMissingBetweenOthers() {
        Map<String, Set<Integer>> families = new TreeMap<>();
        for (MatchResult rule : rules) {
            Matcher id = NUMBER.matcher(rule.group(1));
            if (id.matches()) {
                families.computeIfAbsent(id.group(1), family -> new TreeSet<>()).add(Integer.parseInt(id.group(2)));
            }
        }
        families.keySet().removeAll(WITH_GAPS);
        List<String> missing = new ArrayList<>();
        families.forEach((family, numbers) -> {
            for (int number = 1; number <= Collections.max(numbers); number++) {
                if (!numbers.contains(number)) {
                    missing.add(family + number);
                }
            }
        });
        assertTrue(families.size() > 20, () -> "only " + families.keySet());
        assertEquals(List.of(), missing);
    }

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        Map<String, String> classes = ClassSources.below("src/test/java");
        Set<String> missing = new TreeSet<>();
        int named = 0;
        for (MatchResult rule : rules) {
            for (MatchResult test : NAMED.matcher(rule.group(4)).results().toList()) {
                named++;
                String source = classes.get(test.group(1));
                String member = test.group(2);
                if (source == null
                        || (member != null
                                && !source.contains("void " + member + "(")
                                && !source.contains("class " + member + " "))) {
                    missing.add(rule.group(1) + ": " + test.group());
                }
            }
        }
        assertTrue(named > 250, named + " tests are named");
        assertEquals(Set.of(), missing);
    }

    @Test
    void everyRuleHasATestOrTheReasonWhyNot() {
        List<String> bare = new ArrayList<>();
        for (MatchResult rule : rules) {
            boolean tested = NAMED.matcher(rule.group(4)).find();
            if (tested != rule.group(3).equals("Tests")) {
                bare.add(rule.group(1));
            }
        }
        assertEquals(List.of(), bare);
    }

    /** Both ends of a range and what is between them. */
    private static List<String> idsOf(MatchResult citation) {
        List<String> ids = new ArrayList<>(List.of(citation.group(1)));
        if (citation.group(2) != null) {
            Matcher first = NUMBER.matcher(citation.group(1));
            Matcher last = NUMBER.matcher(citation.group(2));
            assertTrue(first.matches() && last.matches() && first.group(1).equals(last.group(1)), citation::group);
            for (int i = Integer.parseInt(first.group(2)) + 1; i <= Integer.parseInt(last.group(2)); i++) {
                ids.add(first.group(1) + i);
            }
        }
        return ids;
    }
}
