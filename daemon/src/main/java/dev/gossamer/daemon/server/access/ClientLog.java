package dev.gossamer.daemon.server.access;

import dev.gossamer.io.LogLimit;
import dev.gossamer.nbd.wire.NbdText;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The lines that others decide how many there are of: who came and went, who was not let in, whose requests failed.
 * Each kind has a limit of its own, so that a flood of one hides no other. What a flood has left out is told with the
 * next line of its kind, by a timer once the flood is over ({@link #tellLeftOut}), and at the end ({@link #close}).
 *
 * <p>What a client can choose the words of is cut short and stripped of everything that is no letter, digit or
 * punctuation, so that one line stays one line. Any thread; takes no lock.
 */
public final class ClientLog {
    private static final Logger LOG = LoggerFactory.getLogger(ClientLog.class);

    /** Of an argument: a name has 128 bytes, and what refuses one names a few. */
    private static final int TEXT_LIMIT_BYTES = 512;

    /** How often to call {@link #tellLeftOut}. */
    public static final long TELL_SECONDS = 2;

    /** What a line is about; bounds the limits' number. */
    public enum Kind {
        OPENED("export opened", Level.INFO),
        CLOSED("export closed", Level.INFO),
        /** The server ends the connection: a client that stalls, or breaks the protocol. */
        DROPPED("connection dropped", Level.INFO),
        /** A fault of ours ends it. */
        FAILED("connection failed", Level.ERROR),
        TLS("refused tls", Level.INFO),
        /** The name of an export, by a rule. */
        EXPORT("refused export", Level.INFO),
        /** No name, and no default. */
        NO_NAME("refused export=''", Level.INFO),
        CONNECTION("refused connection", Level.INFO),
        /** A request on the admin socket; one that may have changed something is written in any case. */
        ADMIN("admin request", Level.INFO),
        ADMIN_FAILED("admin request failed", Level.ERROR),
        REQUEST_FAILED("request failed", Level.WARN),
        REQUEST_SLOW("slow request", Level.WARN);

        private final String title;
        private final Level level;

        Kind(String title, Level level) {
            this.title = title;
            this.level = level;
        }

        private LogLimit newLimit() {
            return switch (this) {
                case FAILED, ADMIN_FAILED, REQUEST_FAILED -> LogLimit.onePerSecond();
                case REQUEST_SLOW -> LogLimit.tenPerSecond();
                case OPENED, CLOSED, DROPPED, TLS, EXPORT, NO_NAME, CONNECTION, ADMIN -> LogLimit
                        .fiftyThenOnePerSecond();
            };
        }
    }

    /** Where lines go. */
    @FunctionalInterface
    interface Sink {
        /**
         * Takes one line.
         *
         * @param pattern for SLF4J
         * @param cause null if there is none
         */
        void write(Level level, Throwable cause, String pattern, Object... arguments);
    }

    private final Map<Kind, LogLimit> limits = new EnumMap<>(Kind.class);
    private final Sink sink;
    private final LongSupplier nanoTime;

    /** Writes to the daemon's log. */
    public ClientLog() {
        this(
                (level, cause, pattern, arguments) ->
                        LOG.atLevel(level).setCause(cause).log(pattern, arguments),
                System::nanoTime);
    }

    ClientLog(Sink sink, LongSupplier nanoTime) {
        this.sink = sink;
        this.nanoTime = nanoTime;
        for (Kind kind : Kind.values()) {
            limits.put(kind, kind.newLimit());
        }
    }

    /**
     * Writes a line of the kind, or counts it.
     *
     * @param format what follows the kind's title, for SLF4J
     */
    public void line(Kind kind, String format, Object... arguments) {
        if (admits(kind)) {
            write(kind, format, arguments);
        }
    }

    /** Whether to {@link #write} a line now; if not, it is counted. For who makes lines while it serves requests. */
    public boolean admits(Kind kind) {
        return limits.get(kind).admits(nanoTime.getAsLong());
    }

    /** A line that {@link #admits} has admitted, or one that may not be missing. */
    public void write(Kind kind, String format, Object... arguments) {
        write(kind, null, format, arguments);
    }

    /** Who was not let in, and why, in one line. */
    public void refused(Kind kind, PeerName peer, String why) {
        line(kind, " peer={} identity={} why={}", peer.address(), peer.identity(), why);
    }

    /** Who may not use which export; its name is known to exist. */
    public void refusedExport(String name, PeerName peer, String why) {
        line(Kind.EXPORT, "={} peer={} identity={} why={}", name, peer.address(), peer.identity(), why);
    }

    /** As {@link #line}, with the place in the code, as nobody but us is to blame. */
    public void bug(Kind kind, Throwable cause, String format, Object... arguments) {
        if (admits(kind)) {
            write(kind, cause, format, arguments);
        }
    }

    private void write(Kind kind, Throwable cause, String format, Object... arguments) {
        long leftOut = limits.get(kind).takeLeftOut();
        Object[] shown = new Object[arguments.length + (leftOut == 0 ? 0 : 1)];
        for (int i = 0; i < arguments.length; i++) {
            shown[i] = arguments[i] instanceof String text ? NbdText.shown(text, TEXT_LIMIT_BYTES) : arguments[i];
        }
        if (leftOut != 0) {
            shown[arguments.length] = leftOut;
        }
        sink.write(kind.level, cause, kind.title + format + (leftOut == 0 ? "" : " leftOut={}"), shown);
    }

    /** Tells of floods that are over, whose next line may never come. */
    public void tellLeftOut() {
        long now = nanoTime.getAsLong();
        limits.forEach((kind, limit) -> tell(kind, limit.takeLeftOutIfAdmitted(now)));
    }

    /** Tells of all that was left out; to be called at the end. */
    public void close() {
        limits.forEach((kind, limit) -> tell(kind, limit.takeLeftOut()));
    }

    private void tell(Kind kind, long leftOut) {
        if (leftOut > 0) {
            sink.write(kind.level, null, "lines left out kind=\"{}\" leftOut={}", kind.title, leftOut);
        }
    }
}
