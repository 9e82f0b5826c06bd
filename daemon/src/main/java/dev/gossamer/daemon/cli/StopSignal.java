package dev.gossamer.daemon.cli;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGHUP asks to read the configuration again. SIGTERM and SIGINT: the first asks the daemon to stop, a second one does
 * not wait for it. Not a shutdown hook: those run when the process is ending already, side by side and without a way to
 * say how it went.
 */
final class StopSignal {
    /** What a shell reports for a process that SIGINT ended. */
    private static final int IMPATIENT = 130;

    private final CountDownLatch received = new CountDownLatch(1);
    private volatile Runnable hangup;
    private Runnable first;

    private StopSignal() {}

    static StopSignal install() {
        StopSignal stop = new StopSignal();
        stop.handle("TERM", stop::received);
        stop.handle("INT", stop::received);
        stop.handle("HUP", stop::reload);
        return stop;
    }

    /** What SIGHUP does, each time; before this is called, nothing. Runs on a thread of the Java runtime. */
    void onHangup(Runnable task) {
        hangup = task;
    }

    private void reload() {
        Runnable task = hangup;
        if (task != null) {
            task.run();
        }
    }

    // By reflection, because javac's warning about sun.misc.Signal, the JDK's only way to a signal, cannot be silenced.
    private void handle(String name, Runnable task) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object onSignal = Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        task.run();
                        return null;
                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), onSignal);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this Java cannot receive signals", e);
        }
    }

    private synchronized void received() {
        if (received.getCount() == 0) {
            Runtime.getRuntime().halt(IMPATIENT);
        }
        received.countDown();
        Runnable task = first;
        if (task != null) {
            task.run();
        }
    }

    /** What the first of SIGTERM and SIGINT does at once, beside ending the wait. Runs on a thread of the runtime. */
    synchronized void onFirst(Runnable task) {
        first = task;
        if (received.getCount() == 0) {
            task.run();
        }
    }

    /** As a first signal, from within. */
    void end() {
        received.countDown();
    }

    /**
     * Waits for the first signal, at most so long.
     *
     * @return whether it has come; an interrupted thread does not wait for it
     */
    boolean await(Duration limit) {
        try {
            return received.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
