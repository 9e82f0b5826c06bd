package dev.gossamer.io.ring;

import dev.gossamer.io.StallLook;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.PosixFiles;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which files and block devices of the system do not answer: data, metadata, origins, whatever an engine of these loops
 * has open. The log has a line when one begins and when it goes on. Looks once a second, on each loop, at a table that
 * is there anyhow. {@link #list}: any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the looks end with the loops
public final class StalledFiles {
    private static final Logger LOG = LoggerFactory.getLogger(StalledFiles.class);

    private static final long PERIOD_MILLIS = 1_000;

    /**
     * A file that does not answer.
     *
     * @param name its path
     * @param seconds how long its oldest action has been under way, at least
     */
    public record Stalled(String name, long seconds) {}

    /** @param sinceLook the first that saw its oldest action */
    private record Known(String name, int sinceLook) {}

    private final IoLoops loops;
    private final InlineFileEngine inline;
    private final long periodMillis;
    // The latest look at each loop that has come back; the last is that at the inline engine.
    private final AtomicReferenceArray<StallLook> looks;
    // With which look each loop was asked last; 0: not yet.
    private final int[] asked;
    // Below: the first loop's alone.
    private Map<Integer, Known> known = Map.of();
    private int number;
    private volatile List<Stalled> stalled = List.of();

    private StalledFiles(IoLoops loops, int count, InlineFileEngine inline, long periodMillis) {
        this.loops = loops;
        this.inline = inline;
        this.periodMillis = periodMillis;
        this.looks = new AtomicReferenceArray<>(count + 1);
        this.asked = new int[count];
    }

    /**
     * Looks until the loops end.
     *
     * @param loops those that there are now, workers included
     * @param inline for what somebody waits for on its own thread
     */
    public static StalledFiles watch(IoLoops loops, InlineFileEngine inline) {
        return watch(loops, inline, PERIOD_MILLIS);
    }

    static StalledFiles watch(IoLoops loops, InlineFileEngine inline, long periodMillis) {
        StalledFiles files = new StalledFiles(loops, loops.all().size(), inline, periodMillis);
        NettyLoop first = loops.loop(0);
        // A timer that has thrown is not run again.
        Runnable look = first.faults().guarded(files::look);
        first.eventLoop().scheduleWithFixedDelay(look, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
        return files;
    }

    /** Those that do not answer now; mostly none. */
    public List<Stalled> list() {
        return stalled;
    }

    private void look() {
        gather();
        number++;
        StallLook here = new StallLook(number);
        inline.show(here);
        looks.set(asked.length, here);
        List<NettyLoop> all = loops.all();
        for (int i = 0; i < asked.length; i++) {
            StallLook last = looks.get(i);
            // A loop that is stuck itself has one question to answer, not one more each second.
            if (asked[i] == 0 || (last != null && last.number() == asked[i])) {
                ask(all.get(i), i);
            }
        }
    }

    private void ask(NettyLoop loop, int index) {
        StallLook look = new StallLook(number);
        try {
            loop.execute(() -> {
                loop.files().show(look);
                looks.set(index, look);
            });
            asked[index] = number;
        } catch (RejectedExecutionException ending) {
            LOG.debug("{} has ended", loop);
        }
    }

    private void gather() {
        Map<Integer, Integer> since = new HashMap<>();
        for (int i = 0; i < looks.length(); i++) {
            StallLook look = looks.get(i);
            if (look != null) {
                look.stalledSince().forEach((file, first) -> since.merge(file, first, Math::min));
            }
        }
        if (since.isEmpty() && known.isEmpty()) {
            return;
        }
        Map<Integer, Known> now = new HashMap<>();
        List<Stalled> list = new ArrayList<>();
        since.forEach((file, first) -> {
            Known before = known.get(file);
            String name = before == null ? PosixFiles.pathOf(file) : before.name();
            now.put(file, new Known(name, first));
            list.add(new Stalled(name, (number - first) * periodMillis / 1000));
            if (before == null) {
                LOG.warn("{}: stalled: a request has been under way for more than 5 s", name);
            }
        });
        known.forEach((file, before) -> {
            if (!now.containsKey(file)) {
                LOG.warn("{}: no longer stalled: its requests go on", before.name());
            }
        });
        known = now;
        stalled = List.copyOf(list);
    }
}
