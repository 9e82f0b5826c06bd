package dev.gossamer.it.sim;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.it.sim.world.Trace;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Tells seeds until one breaks a promise, in a Java of its own; the last line printed says which. A story that does not
 * end by itself, because a loop within a step does not, counts as found by liveness.
 */
final class Hunt {
    private static final int OPERATIONS = 300;
    private static final long STORY_NANOS_MAX = 60_000_000_000L;

    private Hunt() {}

    public static void main(String[] arguments) throws ReflectiveOperationException {
        if (!ScarceMemory.reaches(Hunt.class)) {
            Class<?> again = ScarceMemory.loader(Hunt.class).loadClass(Hunt.class.getName());
            Method main = again.getDeclaredMethod("main", String[].class);
            main.setAccessible(true);
            main.invoke(null, (Object) arguments);
            return;
        }
        long seeds = Long.parseLong(arguments[0]);
        AtomicLong running = new AtomicLong();
        Thread teller = Thread.currentThread();
        Thread.ofPlatform().daemon().start(() -> watch(teller, running));
        for (long seed = 1; seed <= seeds; seed++) {
            running.set(seed);
            Verdict verdict = Seed.of(seed, OPERATIONS).tell(new Trace(false));
            if (!verdict.isGood()) {
                System.out.println(verdict.violation().oracle() + " | " + seed);
                System.exit(0);
            }
        }
        System.out.println("nobody | more than " + seeds);
        System.exit(0);
    }

    /** By the time that the thread has worked: the machine may be busy. */
    private static void watch(Thread teller, AtomicLong running) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long seed = 0;
        long begunNanos = 0;
        while (true) {
            long nowNanos = threads.getThreadCpuTime(teller.threadId());
            if (seed != running.get()) {
                seed = running.get();
                begunNanos = nowNanos;
            } else if (nowNanos - begunNanos > STORY_NANOS_MAX) {
                System.out.println("LIVENESS (a step does not end) | " + seed);
                Runtime.getRuntime().halt(0);
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                return;
            }
        }
    }
}
