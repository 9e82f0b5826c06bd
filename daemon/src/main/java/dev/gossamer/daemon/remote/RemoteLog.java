package dev.gossamer.daemon.remote;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.nbd.wire.NbdText;
import java.util.EnumMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The lines about one remote device. Its server decides how often it comes and goes, so each kind has a limit of its
 * own: a flood of one hides no other, and that of one server nothing of another. Servers' own words are made fit for a
 * line. Any thread.
 */
final class RemoteLog {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteLog.class);

    /** Of what a server can choose the words of. */
    private static final int TEXT_LIMIT_BYTES = 512;

    /** What a line is about; bounds the limits' number. */
    enum Kind {
        LOST("connection lost", Level.WARN),
        FAILED("cannot reconnect yet", Level.WARN),
        DORMANT("not connected; the next request tries again", Level.WARN),
        REFUSED("refused after reconnecting, requests fail with EIO", Level.ERROR),
        ENDED("nothing is repeated, and everything fails from now on", Level.ERROR),
        REPEATED("repeated what was answered and not flushed, writes", Level.INFO),
        CONNECTED("connected again", Level.INFO),
        SHARED("no connection for a loop, which goes through the first one's", Level.WARN),
        STALLED("stalled: a request has waited for more than 5 s", Level.WARN),
        GOES_ON("no longer stalled", Level.WARN);

        private final String title;
        private final Level level;

        Kind(String title, Level level) {
            this.title = title;
            this.level = level;
        }
    }

    private final String name;
    private final Map<Kind, LimitedLog> kinds = new EnumMap<>(Kind.class);

    /** @param name of the device, as users write it */
    RemoteLog(String name, IoLoop loop) {
        this(name, loop, LOG);
    }

    RemoteLog(String name, IoLoop loop, Logger log) {
        this.name = NbdText.shown(name, TEXT_LIMIT_BYTES);
        for (Kind kind : Kind.values()) {
            kinds.put(
                    kind,
                    new LimitedLog(
                            log, kind.level, this.name + ": " + kind.title, LogLimit.fiftyThenOnePerSecond(), loop));
        }
    }

    /** Writes a line, or counts it. */
    void line(Kind kind, Object what) {
        kinds.get(kind).line("{}: {}: {}", name, kind.title, NbdText.shown(what.toString(), TEXT_LIMIT_BYTES));
    }
}
