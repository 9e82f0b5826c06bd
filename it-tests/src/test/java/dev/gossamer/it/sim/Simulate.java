package dev.gossamer.it.sim;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.it.sim.faults.FaultCounts;
import dev.gossamer.it.sim.mutate.Mutations;
import dev.gossamer.it.sim.world.Trace;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The command line of {@code it-tests/simulate}. Exit code 0: every promise was kept. */
public final class Simulate {
    private static final long PROGRESS_NANOS = 60_000_000_000L;

    private final Arguments arguments;
    private final FaultCounts counts = new FaultCounts();
    private final long begun = System.nanoTime();
    private long told;
    private long broken;
    private long operations;
    private long answers;
    private long cuts;
    private long images;
    private long kills;
    private long lives;

    private Simulate(Arguments arguments) {
        this.arguments = arguments;
    }

    /** See {@link Arguments#USAGE}. */
    public static void main(String[] words) throws ReflectiveOperationException, IOException {
        if (!ScarceMemory.reaches(Simulate.class)) {
            ScarceMemory.loader(Simulate.class)
                    .loadClass(Simulate.class.getName())
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) words);
            return;
        }
        Arguments arguments;
        try {
            arguments = Arguments.of(words);
        } catch (IllegalArgumentException e) {
            System.err.println("simulate: " + e.getMessage());
            System.err.print(Arguments.USAGE);
            System.exit(2);
            return;
        }
        if (arguments.mutate) {
            boolean allFound = Mutations.run(arguments.mutations, arguments.seeds == 0 ? 2000 : arguments.seeds);
            System.exit(allFound ? 0 : 1);
        }
        if (!arguments.broken.isEmpty() && System.getProperty(Mutations.BROKEN) == null) {
            System.exit(Mutations.tell(arguments.broken, words));
        }
        Simulate simulate = new Simulate(arguments);
        simulate.run();
        System.exit(simulate.broken == 0 ? 0 : 1);
    }

    private void run() {
        boolean one = arguments.seeds == 0 && arguments.minutes == 0;
        long last = one ? 1 : arguments.seeds == 0 ? Long.MAX_VALUE : arguments.seeds;
        long endNanos = arguments.minutes == 0 ? Long.MAX_VALUE : begun + (long) (arguments.minutes * 60e9);
        long progressNanos = begun + PROGRESS_NANOS;
        for (long i = 0; i < last && System.nanoTime() < endNanos; i++) {
            Seed seed = new Seed(arguments.seed + i, arguments.ops, arguments.kept, arguments.off);
            if (one || seed.swarm().kinds().containsAll(arguments.with)) {
                tell(seed);
            }
            if (System.nanoTime() > progressNanos) {
                progressNanos += PROGRESS_NANOS;
                System.out.println(summary());
            }
        }
        System.out.println(summary());
        if (!one) {
            System.out.print(table());
        }
    }

    private void tell(Seed seed) {
        Trace trace = new Trace(arguments.trace || arguments.twice);
        Verdict verdict = seed.tell(trace);
        told++;
        operations += verdict.operations();
        answers += verdict.answers();
        cuts += verdict.cuts();
        images += verdict.images();
        kills += verdict.kills();
        lives += verdict.lives();
        counts.addAll(verdict.counts());
        if (arguments.trace) {
            trace.lines().forEach(System.out::println);
        }
        if (arguments.twice) {
            compare(seed, trace.lines());
        }
        if (!verdict.isGood()) {
            broken++;
            System.out.println(
                    "seed " + seed.number() + ": " + verdict.violation().getMessage());
            if (verdict.violation().getCause() != null || verdict.violation().getSuppressed().length > 0) {
                verdict.violation().printStackTrace(System.out);
            }
            System.out.println("  with " + seed.swarm());
            System.out.println("  replay: "
                    + (arguments.kept == null && !arguments.plain ? smaller(seed, verdict) : replay(seed)));
        }
    }

    private static String smaller(Seed seed, Verdict verdict) {
        return replay(Shrinker.shrink(seed, verdict.violation().oracle()));
    }

    static String replay(Seed seed) {
        String broken = System.getProperty(Mutations.BROKEN);
        String off = seed.off().stream().map(Enum::name).collect(Collectors.joining(","));
        return "it-tests/simulate --seed " + seed.number() + " --ops " + seed.operations()
                + (seed.kept() == null ? "" : " --keep " + Arguments.ranges(seed.kept()))
                + (off.isEmpty() ? "" : " --off " + off)
                + (broken == null ? "" : " --break " + broken);
    }

    private void compare(Seed seed, List<String> once) {
        Trace again = new Trace(true);
        seed.tell(again);
        for (int i = 0; i < Math.max(once.size(), again.lines().size()); i++) {
            String one = i < once.size() ? once.get(i) : "the end";
            String other = i < again.lines().size() ? again.lines().get(i) : "the end";
            if (!one.equals(other)) {
                broken++;
                System.out.println("seed " + seed.number() + " has two histories:\n  " + one + "\n  " + other);
                return;
            }
        }
    }

    private String summary() {
        double seconds = (System.nanoTime() - begun) / 1e9;
        return String.format(
                "%d seeds, %d findings, %.1f seeds/s; %d lives, %d power cuts and %d images of one,"
                        + " %d kills, %d device operations,"
                        + " %d answers; faults: %s",
                told,
                broken,
                told / seconds,
                lives,
                cuts,
                images,
                kills,
                operations,
                answers,
                counts.table().keySet().stream()
                        .map(fault -> fault + " " + counts.total(fault))
                        .collect(Collectors.joining(", ")));
    }

    /** Each fault, and what was under way when it happened. */
    private String table() {
        StringBuilder text = new StringBuilder("\n| fault | under way | times |\n|---|---|---|\n");
        for (Map.Entry<String, Map<String, Long>> row : counts.table().entrySet()) {
            row.getValue().forEach((operation, times) -> text.append("| ")
                    .append(row.getKey())
                    .append(" | ")
                    .append(operation)
                    .append(" | ")
                    .append(times)
                    .append(" |\n"));
        }
        return text.toString();
    }
}
