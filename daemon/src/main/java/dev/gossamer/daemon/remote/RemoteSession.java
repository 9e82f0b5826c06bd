package dev.gossamer.daemon.remote;

import dev.gossamer.daemon.remote.RemoteLog.Kind;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.client.RemoteExport;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps a device's loops connected to the same incarnation of its server. On the first loop, but for what says
 * otherwise.
 *
 * <p>A lost connection mostly means a lost server, and a server may lose with it what it has answered and not flushed.
 * Nobody can tell from outside. So when one loop loses its connection, all let go of theirs ("halt") before the first
 * makes a new one; on that the kept writes are repeated ({@link WriteReplay}), and only then does anything else go on.
 * A FLUSH that succeeds therefore covers every write answered before it, on whichever connection, however often the
 * server went away.
 *
 * <p>For the same reason a further loop's new connection is let in only after a FLUSH on the first one: it proves that
 * the server that answered so far was still there when the new connection was made.
 *
 * <ol>
 *   <li>{@code UP}: the loops work.
 *   <li>{@code HALTING}: loops let go of their connections.
 *   <li>{@code CONNECTING}: an attempt is under way, or the pause before it.
 *   <li>{@code CHECKING}: connected; whoever has the device finds out whether it is still his ({@link ChangeGate}).
 *   <li>{@code REPLAYING}: connected; kept writes are repeated.
 *   <li>{@code DORMANT}: nobody has wanted anything for a while; the next request wakes it.
 *   <li>{@code REFUSED}: it is not; nothing is sent any more.
 *   <li>{@code CLOSED}.
 * </ol>
 */
final class RemoteSession {
    private enum State {
        UP,
        HALTING,
        CONNECTING,
        CHECKING,
        REPLAYING,
        DORMANT,
        REFUSED,
        CLOSED
    }

    private final String name;
    private final RemoteLog log;
    private final RemoteConnector connector;
    private final RemoteSettings settings;
    private final boolean readOnly;
    private final RemoteExport export;
    private final ChangeGate gate;
    private final List<RemoteLink> links = new ArrayList<>();
    private final RemoteLink home;
    private final InsistentTask ending;
    private final DeviceHealth health;
    private final RemoteCounters counters = new RemoteCounters();
    // Positions of answered writes, and up to where they are stable; moved by all loops.
    private final AtomicLong sequence = new AtomicLong();
    private final AtomicLong stable = new AtomicLong();

    // Written by the first loop, read by all.
    private volatile BlockGeometry geometry;
    // Together they let a loop skip the message: it writes the one before it reads the other; the first loop vice
    // versa.
    private volatile long wantedNanos;
    private volatile boolean dormant;
    private State state = State.UP;
    private long incarnation;
    private int pendingHalts;
    private final List<UnflushedWrite> kept = new ArrayList<>();
    // Connected and not up yet: being checked, or replayed on.
    private RemoteConnection pendingOn;
    private CheckedConnection checked;
    // When that was last answered.
    private long answeredNanos;
    private long attempt;
    private int failedAttempts;
    // One after the other: a server that lets in and throws out again is not asked without a pause.
    private int shortLives;
    private long upNanos;
    private long lostNanos;

    /** @param loops the first is this session's own; the others exist only if the server allows several connections */
    RemoteSession(
            String name,
            RemoteConnector connector,
            RemoteSettings settings,
            RemoteExport export,
            boolean readOnly,
            ChangeGate gate,
            List<NettyLoop> loops) {
        this.name = name;
        this.health = new DeviceHealth(name);
        this.connector = connector;
        this.settings = settings;
        this.export = export;
        this.readOnly = readOnly;
        this.gate = gate;
        this.geometry = ExportMatch.geometry(export, readOnly);
        for (NettyLoop loop : loops) {
            links.add(new RemoteLink(loop, this, settings));
        }
        home = links.getFirst();
        log = new RemoteLog(name, home.loop());
        ending = new InsistentTask(home.loop(), this::end);
        wantedNanos = home.loop().nanoTime();
    }

    // ---- any thread ----

    List<RemoteLink> links() {
        return links;
    }

    /** The link whose loop is this session's. */
    RemoteLink home() {
        return home;
    }

    /** The link of a loop: its own, or one that it shares with others; the first one, for whoever waits in place. */
    RemoteLink linkOf(int loopIndex) {
        return loopIndex >= 0 ? links.get(loopIndex % links.size()) : home;
    }

    /** As it was when the device was opened; only its size may have changed since. */
    RemoteExport export() {
        return export;
    }

    /** Whether changes may be sent. */
    ChangeGate gate() {
        return gate;
    }

    BlockGeometry geometry() {
        return geometry;
    }

    boolean canFlush() {
        return export.offers(NbdFlags.SEND_FLUSH) && !readOnly;
    }

    long lastSequence() {
        return sequence.get();
    }

    long nextSequence() {
        return sequence.incrementAndGet();
    }

    /** Up to where answered writes need not be kept: nothing does once some are lost, for no FLUSH can succeed. */
    long stableSequence() {
        return health.isFailed() ? Long.MAX_VALUE : stable.get();
    }

    void stableUpTo(long covered) {
        stable.accumulateAndGet(covered, Math::max);
    }

    /** Whether answered writes are gone for good: then no FLUSH succeeds any more, and none are kept. */
    RemoteCounters counters() {
        return counters;
    }

    DeviceHealth health() {
        return health;
    }

    /** Something waits for a connection. */
    void wanted() {
        wantedNanos = home.loop().nanoTime();
        if (dormant) {
            home.tasks().run(this::wake);
        }
    }

    void connect(NettyLoop loop, RemoteConnector.Outcome outcome) {
        connector.connect(loop, outcome);
    }

    RemoteLog log() {
        return log;
    }

    // ---- the first loop ----

    /** The device is open; its first connection is there. */
    void start(RemoteConnection first) {
        up(first);
    }

    /** A connection is gone. */
    void lost(long lostIncarnation, String why) {
        if (state != State.UP || lostIncarnation != incarnation) {
            return;
        }
        log.line(Kind.LOST, why);
        state = State.HALTING;
        counters.down();
        lostNanos = home.loop().nanoTime();
        shortLives = lostNanos - upNanos < settings.lastRetryMillis() * 1_000_000 ? shortLives + 1 : 0;
        failedAttempts = 0;
        incarnation++;
        pendingHalts = links.size();
        long next = incarnation;
        for (RemoteLink link : links) {
            link.tasks().run(() -> link.halt(next));
        }
    }

    /** A link has let go of its connection and of these writes. */
    void halted(List<UnflushedWrite> writes) {
        kept.addAll(writes);
        if (--pendingHalts > 0 || state != State.HALTING) {
            return;
        }
        kept.removeIf(write -> {
            boolean covered = write.sequence() <= stableSequence();
            if (covered) {
                write.release();
            }
            return covered;
        });
        kept.sort(Comparator.comparingLong(UnflushedWrite::sequence));
        if (!kept.isEmpty()) {
            wanted();
        }
        attemptOrSleep(pauseMillis(shortLives));
    }

    private long pauseMillis(int timesInVain) {
        int doublings = Math.min(timesInVain - 1, 16);
        return timesInVain == 0 ? 0 : Math.min(settings.firstRetryMillis() << doublings, settings.lastRetryMillis());
    }

    private void attemptOrSleep(long delayMillis) {
        state = State.CONNECTING;
        if (isWanted()) {
            home.tasks().later(this::attempt, delayMillis * 1_000_000);
            return;
        }
        state = State.DORMANT;
        dormant = true;
        if (isWanted()) {
            wake();
        } else {
            log.line(Kind.DORMANT, "nobody wants anything");
        }
    }

    private boolean isWanted() {
        return home.loop().nanoTime() - wantedNanos < settings.patienceNanos();
    }

    private void wake() {
        if (state == State.DORMANT) {
            dormant = false;
            state = State.CONNECTING;
            attempt();
        }
    }

    private void attempt() {
        if (state != State.CONNECTING) {
            return;
        }
        long mine = ++attempt;
        connect(
                home.loop(),
                home.tasks().outcome(connection -> reconnected(connection, mine), why -> attemptEnded(why, mine)));
    }

    private void attemptEnded(String why, long itsAttempt) {
        if (state == State.CONNECTING && itsAttempt == attempt) {
            attemptFailed(why);
        }
    }

    private void attemptFailed(String why) {
        pendingOn = null;
        failedAttempts++;
        if (failedAttempts == 1) {
            log.line(Kind.FAILED, why);
        }
        attemptOrSleep(pauseMillis(Math.max(failedAttempts, shortLives)));
    }

    private void reconnected(RemoteConnection connection, long itsAttempt) {
        if (state != State.CONNECTING || itsAttempt != attempt) {
            connection.drop();
            return;
        }
        String refusal = ExportMatch.refusal(export, connection.export(), readOnly);
        if (refusal != null) {
            connection.drop();
            log.line(Kind.REFUSED, refusal);
            links.forEach(link -> link.tasks().run(link::refuse));
            attemptFailed(refusal);
        } else {
            check(connection);
        }
    }

    /** OP-10: nothing is sent before whoever has the device has seen that nobody else has used it meanwhile. */
    private void check(RemoteConnection connection) {
        state = State.CHECKING;
        pendingOn = connection;
        connection.setOwner(why -> pendingFailed(connection, why));
        long deadline = home.loop().nanoTime() + settings.silenceNanos();
        answeredNanos = home.loop().nanoTime();
        watchSilence(connection);
        BlockGeometry found = ExportMatch.geometry(connection.export(), readOnly);
        checked = new CheckedConnection(connection, found, name, deadline);
        gate.check(checked, new ChangeGate.Verdict() {
            @Override
            public void pass() {
                home.tasks().guard(() -> passed(connection));
            }

            @Override
            public void later(String why) {
                home.tasks().guard(() -> pendingFailed(connection, why));
            }

            @Override
            public void refuse(String why) {
                home.tasks().guard(() -> refused(connection, why));
            }
        });
    }

    /** All answers to a replay together may take longer than that. */
    private void watchSilence(RemoteConnection connection) {
        if (pendingOn != connection) {
            return;
        }
        long leftNanos = answeredNanos + settings.silenceNanos() - home.loop().nanoTime();
        if (leftNanos > 0) {
            home.tasks().later(() -> watchSilence(connection), leftNanos);
        } else {
            pendingFailed(connection, "server does not answer");
        }
    }

    private void passed(RemoteConnection connection) {
        if (pendingOn != connection || state != State.CHECKING) {
            return;
        }
        if (kept.isEmpty()) {
            pendingOn = null;
            up(connection);
        } else {
            replay(connection);
        }
    }

    private void refused(RemoteConnection connection, String why) {
        if (pendingOn != connection) {
            return;
        }
        log.line(Kind.ENDED, why);
        end();
    }

    /** Something has thrown: who knows what is under way. All ends with EIO until it is opened anew. Any thread. */
    void broken(Throwable bug) {
        health.fail("an internal error, which the log shows");
        ending.call();
    }

    private void end() {
        if (state != State.CLOSED) {
            state = State.REFUSED;
            dropPending();
            releaseKept();
            links.forEach(link -> link.tasks().run(link::refused));
        }
    }

    private void dropPending() {
        if (pendingOn != null) {
            pendingOn.drop();
            pendingOn = null;
            checked.end();
        }
    }

    private void replay(RemoteConnection connection) {
        state = State.REPLAYING;
        long deadline = home.loop().nanoTime() + settings.silenceNanos();
        answeredNanos = home.loop().nanoTime();
        new WriteReplay(connection, kept, deadline, new WriteReplay.Outcome() {
                    @Override
                    public void answered() {
                        answeredNanos = home.loop().nanoTime();
                    }

                    @Override
                    public void replayed(int nbdError) {
                        RemoteSession.this.replayed(connection, nbdError);
                    }
                })
                .start();
    }

    private void pendingFailed(RemoteConnection connection, String why) {
        if (pendingOn == connection) {
            dropPending();
            attemptFailed(why);
        }
    }

    private void replayed(RemoteConnection connection, int nbdError) {
        if (pendingOn != connection) {
            return;
        }
        if (nbdError == NbdError.ESHUTDOWN) {
            pendingFailed(connection, "server is shutting down");
            return;
        }
        pendingOn = null;
        if (nbdError == NbdError.OK) {
            log.line(Kind.REPEATED, kept.size());
            counters.repeated(kept.size());
            stableUpTo(lastSequence());
        } else {
            health.fail("the server does not take " + kept.size() + " answered writes again: "
                    + Errno.name(RemoteErrors.toErrno(nbdError)));
        }
        releaseKept();
        up(connection);
    }

    private void releaseKept() {
        kept.forEach(UnflushedWrite::release);
        kept.clear();
    }

    private void up(RemoteConnection connection) {
        state = State.UP;
        upNanos = home.loop().nanoTime();
        counters.up(incarnation > 0);
        geometry = ExportMatch.geometry(connection.export(), readOnly);
        if (incarnation > 0) {
            long millis = (home.loop().nanoTime() - lostNanos) / 1_000_000;
            log.line(Kind.CONNECTED, "after " + millis + " ms and " + failedAttempts + " failed attempts");
        }
        home.up(connection, incarnation);
        for (RemoteLink link : links.subList(1, links.size())) {
            link.tasks().run(link::resume);
        }
    }

    /** A further loop has made a connection: lets it in once the first one has proved to be alive. */
    void admit(RemoteLink link, RemoteExport found, long wantedBy) {
        String refusal = ExportMatch.refusal(export, found, readOnly);
        if (refusal != null) {
            link.tasks().run(() -> link.share(wantedBy, refusal));
        } else if (!canFlush()) {
            link.tasks().run(() -> link.join(wantedBy));
        } else {
            home.flushThen(error -> {
                String failure = error == NbdError.OK ? null : "FLUSH failed";
                link.tasks().run(failure == null ? () -> link.join(wantedBy) : () -> link.share(wantedBy, failure));
            });
        }
    }

    /** Ends everything; what is kept is forgotten. {@code gone} runs once per link, when its connection is closed. */
    void close(Runnable gone) {
        state = State.CLOSED;
        dormant = false;
        dropPending();
        releaseKept();
        links.forEach(link -> link.tasks().run(() -> link.close(gone)));
    }
}
