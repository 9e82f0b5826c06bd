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
 * One rule broken: passages of the source that occur once, and what stands there instead.
 *
 * @param name short, for the command line
 */
record Mutation(String name, String rule, List<Edit> edits) {
    /** @param file in the source tree */
    record Edit(Path file, StringBuilder snippet, StringBuilder replacement) {
        Edit(Path file) {
            this(file, new StringBuilder(), new StringBuilder());
        }

        /** The source with the rule broken. */
        String source(Path root) throws IOException {
            String whole = Files.readString(root.resolve(file));
            String pattern = snippet.toString()
                    .strip()
                    .lines()
                    .flatMap(line -> Pattern.compile("\\s+").splitAsStream(line.strip()))
                    .map(Pattern::quote)
                    .collect(Collectors.joining("\\s+"));
            Matcher matcher = Pattern.compile(pattern).matcher(whole);
            if (!matcher.find()) {
                throw new IllegalStateException(file + " has no such passage any more:\n" + snippet);
            }
            int from = matcher.start();
            int to = matcher.end();
            if (matcher.find()) {
                throw new IllegalStateException(file + " has this passage more than once:\n" + snippet);
            }
            return whole.substring(0, from) + replacement.toString().strip() + whole.substring(to);
        }
    }

    /**
     * Reads the list.
     *
     * <pre>
     *  == NAME rule that is broken
     *  file PATH
     *  &lt; passage, perhaps several lines; how it is broken into lines does not matter
     *  &gt; replacement, perhaps several lines, perhaps none
     * </pre>
     *
     * A rule that is kept in two places has two files.
     */
    static List<Mutation> read(List<String> lines) {
        List<Mutation> all = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith("== ")) {
                int space = line.indexOf(' ', 3);
                all.add(new Mutation(line.substring(3, space), line.substring(space + 1), new ArrayList<>()));
            } else if (line.startsWith("file ")) {
                all.getLast().edits.add(new Edit(Path.of(line.substring(5).strip())));
            } else if (line.startsWith("<")) {
                all.getLast().edits.getLast().snippet.append(line.substring(1)).append('\n');
            } else if (line.startsWith(">")) {
                all.getLast()
                        .edits
                        .getLast()
                        .replacement
                        .append(line.substring(1))
                        .append('\n');
            }
        }
        return all;
    }
}
