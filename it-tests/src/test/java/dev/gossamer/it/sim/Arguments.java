package dev.gossamer.it.sim;

import dev.gossamer.it.sim.faults.Swarm;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** What the command line asks for. */
@SuppressWarnings("StringSplitter") // lists of words have no empty ends that matter
final class Arguments {
    static final String USAGE =
            """
            usage: it-tests/simulate [--seed N] [--seeds N | --minutes M] [--ops N] [--trace] [--twice] [--plain]
                                     [--keep 3,9,14-18] [--off KIND,...] [--with KIND,...]
                                     [--break NAME] [--mutate [NAME,...]]
              --seed N      the first seed; alone: only this one (default 1)
              --seeds N     how many, one after the other
              --minutes M   as many as there is time for
              --ops N       operations of a plan (default 300)
              --trace       prints the history
              --twice       tells each seed twice and compares the histories
              --plain       shows what it finds as it is, and does not make it smaller
              --keep LIST   only these operations of the plan, or none
              --off KINDS   without these kinds of faults, as a failing seed shows them, such as CUT,REMOTE
              --with KINDS  only seeds that have these kinds of faults
              --break NAME  with one rule of mutations.txt broken: what --mutate found with a seed
              --mutate      breaks one rule after the other and prints how many seeds it takes to find it
            """;

    private static final String NONE = "none";

    long seed = 1;
    boolean seedGiven;
    long seeds;
    double minutes;
    int ops = 300;
    boolean trace;
    boolean twice;
    boolean plain;
    boolean mutate;
    String mutations = "";
    String broken = "";
    List<Integer> kept;
    final EnumSet<Swarm.Kind> off = EnumSet.noneOf(Swarm.Kind.class);
    final EnumSet<Swarm.Kind> with = EnumSet.noneOf(Swarm.Kind.class);

    /** @throws IllegalArgumentException with one line for the caller */
    static Arguments of(String... words) {
        Arguments all = new Arguments();
        for (int i = 0; i < words.length; i++) {
            String word = words[i];
            switch (word) {
                case "--trace" -> all.trace = true;
                case "--twice" -> all.twice = true;
                case "--plain" -> all.plain = true;
                case "--mutate" -> {
                    all.mutate = true;
                    if (i + 1 < words.length && !words[i + 1].startsWith("--")) {
                        all.mutations = words[++i];
                    }
                }
                case "--seed", "--seeds", "--minutes", "--ops", "--keep", "--off", "--with", "--break" -> {
                    if (++i == words.length) {
                        throw new IllegalArgumentException(word + " needs a value");
                    }
                    try {
                        all.set(word, words[i]);
                    } catch (IllegalArgumentException e) {
                        throw new IllegalArgumentException(word + " cannot be " + words[i], e);
                    }
                }
                default -> throw new IllegalArgumentException(word + " is not known");
            }
        }
        return all;
    }

    private void set(String word, String value) {
        switch (word) {
            case "--seed" -> {
                seed = Long.parseLong(value);
                seedGiven = true;
            }
            case "--seeds" -> seeds = Long.parseLong(value);
            case "--minutes" -> minutes = Double.parseDouble(value);
            case "--ops" -> ops = Integer.parseInt(value);
            case "--keep" -> kept = numbers(value);
            case "--break" -> broken = value;
            default -> {
                for (String kind : value.split(",")) {
                    (word.equals("--off") ? off : with).add(Swarm.Kind.valueOf(kind));
                }
            }
        }
    }

    private static List<Integer> numbers(String value) {
        List<Integer> numbers = new ArrayList<>();
        if (value.equals(NONE)) {
            return numbers;
        }
        for (String part : value.split(",")) {
            int dash = part.indexOf('-');
            int from = Integer.parseInt(dash < 0 ? part : part.substring(0, dash));
            int to = dash < 0 ? from : Integer.parseInt(part.substring(dash + 1));
            for (int i = from; i <= to; i++) {
                numbers.add(i);
            }
        }
        return numbers;
    }

    /** As {@link #numbers} reads it. */
    static String ranges(List<Integer> numbers) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < numbers.size(); i++) {
            int from = numbers.get(i);
            int to = from;
            while (i + 1 < numbers.size() && numbers.get(i + 1) == to + 1) {
                to = numbers.get(++i);
            }
            text.append(text.isEmpty() ? "" : ",").append(from).append(to == from ? "" : "-" + to);
        }
        return text.isEmpty() ? NONE : text.toString();
    }
}
