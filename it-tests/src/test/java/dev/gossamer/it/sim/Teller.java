package dev.gossamer.it.sim;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.it.sim.world.Trace;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Tells a seed in a program that {@link ScarceMemory} has loaded, to whoever is outside of it: what a test gets is of
 * types that both know.
 */
final class Teller implements BiFunction<Long, Boolean, Object[]> {
    private static final int OPERATIONS = 300;

    /** @param violation null if every promise was kept */
    record Told(String violation, int cuts, long answers, long hash, List<String> lines) {}

    private static final BiFunction<Long, Boolean, Object[]> WITHIN = load();

    @SuppressWarnings("unchecked") // it is this class
    private static BiFunction<Long, Boolean, Object[]> load() {
        try {
            if (ScarceMemory.reaches(Teller.class)) {
                return new Teller();
            }
            var constructor = ScarceMemory.loader(Teller.class)
                    .loadClass(Teller.class.getName())
                    .getDeclaredConstructor();
            constructor.setAccessible(true);
            return (BiFunction<Long, Boolean, Object[]>) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("unchecked") // as apply makes it
    static Told tell(long seed, boolean lines) {
        Object[] told = WITHIN.apply(seed, lines);
        return new Told((String) told[0], (int) told[1], (long) told[2], (long) told[3], (List<String>) told[4]);
    }

    @Override
    public Object[] apply(Long seed, Boolean lines) {
        Trace trace = new Trace(lines);
        Verdict verdict = Seed.of(seed, OPERATIONS).tell(trace);
        String violation = verdict.isGood() ? null : verdict.violation().getMessage();
        return new Object[] {violation, verdict.cuts(), verdict.answers(), verdict.hash(), trace.lines()};
    }
}
