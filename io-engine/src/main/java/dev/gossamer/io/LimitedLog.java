package dev.gossamer.io;

import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * Lines of one kind, of which somebody else decides how many there are: a disk that is broken, a server that comes and
 * goes, a client that asks again and again for what cannot be read. What a flood has left out is told with the next
 * line that is written, and if there is none by a timer once the flood is over. Any thread; takes no lock.
 */
public final class LimitedLog {
    /** When to tell of what was left out: longer than any limit's interval, so that the timer's line is admitted. */
    static final long TELL_NANOS = 2_000_000_000L;

    private final Logger log;
    private final Level level;
    private final String title;
    private final LogLimit limit;
    private final IoLoop loop;
    private final Wakeup teller;
    private final AtomicBoolean willTell = new AtomicBoolean();

    /**
     * Lines into a log.
     *
     * @param title what they are about, for the line that tells of those that were left out
     * @param loop whose clock and timer are used
     */
    public LimitedLog(Logger log, Level level, String title, LogLimit limit, IoLoop loop) {
        this.log = log;
        this.level = level;
        this.title = title;
        this.limit = limit;
        this.loop = loop;
        this.teller = new Wakeup(loop, this::tellLater);
    }

    /**
     * Writes a line, or counts it.
     *
     * @param format for SLF4J
     */
    public void line(String format, Object... arguments) {
        if (limit.admits(loop.nanoTime())) {
            long leftOut = limit.takeLeftOut();
            log.atLevel(level).log(leftOut == 0 ? format : format + " leftOut=" + leftOut, arguments);
        } else if (willTell.compareAndSet(false, true) && !teller.tryCall()) {
            willTell.set(false); // the next line tells, if there is one
        }
    }

    private void tellLater() {
        loop.schedule(this::tell, TELL_NANOS);
    }

    private void tell() {
        willTell.set(false);
        long leftOut = limit.takeLeftOutIfAdmitted(loop.nanoTime());
        if (leftOut > 0) {
            log.atLevel(level).log("lines left out kind=\"{}\" leftOut={}", title, leftOut);
        }
    }
}
