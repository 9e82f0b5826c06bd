package dev.gossamer.it.sim.mutate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One rule broken: a snippet of the source that occurs once, and what stands there instead.
 *
 * @param name short, for the command line
 * @param file in the source tree
 */
record Mutation(String name, String rule, Path file, String snippet, String replacement) {
    /**
     * Reads the list.
     *
     * <pre>
     *  == NAME rule that is broken
     *  file PATH
     *  &lt; snippet, perhaps several lines; how it is broken into lines does not matter
     *  &gt; replacement, perhaps several lines, perhaps none
     * </pre>
     */
    static List<Mutation> read(List<String> lines) {
        List<Mutation> all = new ArrayList<>();
        String name = null;
        String rule = "";
        Path file = null;
        StringBuilder snippet = new StringBuilder();
        StringBuilder replacement = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("== ")) {
                add(all, name, rule, file, snippet, replacement);
                int space = line.indexOf(' ', 3);
                name = line.substring(3, space);
                rule = line.substring(space + 1);
            } else if (line.startsWith("file ")) {
                file = Path.of(line.substring(5).strip());
            } else if (line.startsWith("<")) {
                snippet.append(line.substring(1)).append('\n');
            } else if (line.startsWith(">")) {
                replacement.append(line.substring(1)).append('\n');
            }
        }
        add(all, name, rule, file, snippet, replacement);
        return all;
    }

    private static void add(
            List<Mutation> all,
            String name,
            String rule,
            Path file,
            StringBuilder snippet,
            StringBuilder replacement) {
        if (name != null) {
            all.add(new Mutation(name, rule, file, snippet.toString(), replacement.toString()));
        }
        snippet.setLength(0);
        replacement.setLength(0);
    }

    /** The source with the rule broken. */
    String source(Path root) throws IOException {
        String whole = Files.readString(root.resolve(file));
        String pattern = snippet.strip()
                .lines()
                .flatMap(line -> Pattern.compile("\\s+").splitAsStream(line.strip()))
                .map(Pattern::quote)
                .collect(Collectors.joining("\\s+"));
        Matcher matcher = Pattern.compile(pattern).matcher(whole);
        if (!matcher.find()) {
            throw new IllegalStateException(name + ": " + file + " has no such passage any more:\n" + snippet);
        }
        int from = matcher.start();
        int to = matcher.end();
        if (matcher.find()) {
            throw new IllegalStateException(name + ": " + file + " has this passage more than once:\n" + snippet);
        }
        return whole.substring(0, from) + replacement.strip() + whole.substring(to);
    }
}
