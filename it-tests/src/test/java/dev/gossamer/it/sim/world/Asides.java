package dev.gossamer.it.sim.world;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;

/**
 * Where code runs that waits for loops in the middle, as threads of the daemon do: one task after the other, each on a
 * virtual thread whose turns are those of a {@link SimEventLoop}. One at a time: who waited for a monitor would be
 * woken by a thread of Java's, whenever that pleases.
 */
final class Asides implements Executor {
    private final SimEventLoop loop;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private boolean busy;

    Asides(SimEventLoop loop) {
        this.loop = loop;
    }

    @Override
    public void execute(Runnable task) {
        waiting.add(task);
        loop.execute(this::next);
    }

    private void next() {
        if (!busy && !waiting.isEmpty()) {
            busy = true;
            Runnable task = waiting.poll();
            thread(() -> {
                        try {
                            task.run();
                        } finally {
                            busy = false;
                            loop.execute(this::next);
                        }
                    })
                    .start();
        }
    }

    /** Java has no public way to say where a virtual thread runs. */
    private Thread thread(Runnable task) {
        try {
            Method maker = Class.forName("java.lang.ThreadBuilders")
                    .getDeclaredMethod("newVirtualThread", Executor.class, String.class, int.class, Runnable.class);
            maker.setAccessible(true);
            return (Thread) maker.invoke(null, loop, "aside", 0, task);
        } catch (NoSuchMethodException | ClassNotFoundException | IllegalAccessException e) {
            throw new IllegalStateException(e);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
