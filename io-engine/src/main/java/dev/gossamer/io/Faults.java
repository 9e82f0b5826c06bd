package dev.gossamer.io;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where it ends what code on a loop throws: a broken invariant, any other RuntimeException or Error, OutOfMemoryError
 * too.
 *
 * <p>One fault has one victim. Whatever enters a loop runs under its faults: tasks and timers ({@link #guarded}),
 * completions ({@link BlockRequest#complete}), submissions ({@link BlockDevice#start}), waiters for memory. The
 * request whose handling threw ends with EIO unless somebody else has it by then; what came with it in one batch is
 * served; and the owners of state that may be half changed, who {@linkplain #watch watch} the loop, are told.
 *
 * <p>Callable from any thread. Nothing here throws, not even without memory.
 */
public final class Faults {
    private static final Logger LOG = LoggerFactory.getLogger(Faults.class);

    private final String name;
    // Null: a loop's own. Else those of the loop on which this owner's tasks run.
    private final Faults ofLoop;
    // A client that has found a fault of ours can have it as often as it likes.
    private final LogLimit lines = LogLimit.tenPerSecond();
    private final LongAdder count = new LongAdder();
    // Few: the pools and snapshot sets whose worker the loop is.
    private final List<Consumer<Throwable>> watchers = new CopyOnWriteArrayList<>();

    /** @param name what the log calls the loop */
    public Faults(String name) {
        this(name, null);
    }

    private Faults(String name, Faults ofLoop) {
        this.name = name;
        this.ofLoop = ofLoop;
    }

    /**
     * The part of these faults that is one owner's, on a loop that others have tasks on too: told of what his tasks
     * throw and of nobody else's.
     */
    public Faults part(Consumer<Throwable> owner) {
        Faults part = new Faults(name, this);
        part.watch(owner);
        return part;
    }

    /** The watcher is told of every fault, on the thread of the fault, until {@link #unwatch}. */
    public void watch(Consumer<Throwable> watcher) {
        watchers.add(watcher);
    }

    public void unwatch(Consumer<Throwable> watcher) {
        watchers.remove(watcher);
    }

    /** Faults so far; for a metric. */
    public long count() {
        return count.sum();
    }

    /** Takes a fault that would have unwound into somebody else's business. */
    public void caught(Throwable fault) {
        count.increment();
        if (ofLoop == null) {
            log(fault);
        } else {
            ofLoop.caught(fault);
        }
        for (Consumer<Throwable> watcher : watchers) {
            try {
                watcher.accept(fault);
            } catch (Throwable worse) {
                count.increment();
            }
        }
    }

    private void log(Throwable fault) {
        try {
            if (lines.admits(System.nanoTime())) {
                LOG.error("{}: internal error, its request ends with EIO leftOut={}", name, lines.takeLeftOut(), fault);
            }
        } catch (Throwable unspeakable) {
            // There is no memory even for a line of the log; the count tells.
        }
    }

    /** Runs a task; what it throws ends here. */
    public void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable fault) {
            caught(fault);
        }
    }

    /**
     * A task that does not throw. What is executed often makes its own once; {@link IoLoop#execute} wraps all others.
     */
    public Runnable guarded(Runnable task) {
        return task instanceof Guarded ? task : new Guarded(this, task);
    }

    /** Its string is that of the task, for whoever looks at a loop's queue. */
    private record Guarded(Faults faults, Runnable task) implements Runnable {
        @Override
        public void run() {
            faults.run(task);
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }
}
