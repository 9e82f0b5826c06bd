package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.sim.ScarceMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToLongBiFunction;

/**
 * Starts a daemon while the heap is used up. In the program that is loaded by {@link ScarceMemory#loader}.
 */
public final class StartStory implements ToLongBiFunction<Path, Long> {
    private static final Set<String> OF_THE_PROCESS = Set.of("gossamer-losses", "gossamer-merges");

    private static final int PATIENCE_MILLIS = 5_000;

    /**
     * Memory fails at the n-th allocation of the thread that starts it, for good.
     *
     * @return whether it did: 1 or 0
     */
    @Override
    public long applyAsLong(Path directory, Long n) {
        Set<Thread> before = Thread.getAllStackTraces().keySet(); // of other tests: they end later
        try {
            PoolDirectory pool = new PoolDirectory(directory);
            if (n == 0) {
                PoolCreation.createInFiles(pool, 1 << 20, 64 << 10, true);
                return 1;
            }
            DaemonConfig config = new DaemonConfig(
                    pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF);
            ScarceMemory.failAt(n, 1);
            Daemon started = null;
            try {
                started = Daemon.start(config);
            } catch (IOException | RuntimeException | Error expected) {
                // It is what is left behind that counts.
            }
            ScarceMemory.end();
            if (started == null) {
                assertNotNull(ScarceMemory.failure(), "it has failed for another reason");
            } else {
                started.stop();
            }
            PoolLock.take(pool).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (int i = 0; i < PATIENCE_MILLIS && !left(before).isEmpty(); i++) {
            LockSupport.parkNanos(1_000_000); // one that was told to end needs a moment for it
        }
        assertEquals(List.of(), left(before), () -> "as memory failed at " + n);
        return ScarceMemory.failure() == null ? 0 : 1;
    }

    private static List<String> left(Set<Thread> before) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !before.contains(thread))
                .map(Thread::getName)
                .filter(name -> name.startsWith("gossamer-") && !OF_THE_PROCESS.contains(name))
                .toList();
    }
}
