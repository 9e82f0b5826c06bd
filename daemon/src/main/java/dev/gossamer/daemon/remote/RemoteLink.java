package dev.gossamer.daemon.remote;

import dev.gossamer.daemon.remote.RemoteLog.Kind;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * One loop's way to the server: its connection, the commands that wait for it, and the answered writes that may have to
 * be repeated. Confined to its loop.
 *
 * <ol>
 *   <li>{@code HALTED}: nothing is sent; commands wait for the session to make a new connection. The old one, if it
 *       still works, is kept for a moment until all its commands are answered: those left over will be repeated, and a
 *       server that carries one out late, after its repetition, would undo what was written in between.
 *   <li>{@code READY}: the device is connected, this loop not yet; its first command connects.
 *   <li>{@code CONNECTING}: under way, or waiting for the session to let the connection in.
 *   <li>{@code UP}: commands are sent as they come, within the bounds of {@link RemoteSettings}.
 *   <li>{@code SHARING}: the server gave this loop no connection; the first loop's is used.
 *   <li>{@code CLOSED}.
 * </ol>
 *
 * <p>Urgent commands overtake those that wait, and pass the bounds of what is under way. The line has no bound of its
 * own: what comes in is bounded where it comes from, by commands per NBD connection and by the loops' buffers. What
 * waits too long ends with EIO.
 */
final class RemoteLink {
    private enum State {
        HALTED,
        READY,
        CONNECTING,
        UP,
        SHARING,
        CLOSED
    }

    /** How long a halted link waits for answers: more than a working server needs, and a dead one does not matter. */
    private static final long DRAIN_NANOS = 2_000_000_000;

    /** Commands of urgent requests beyond the limit: a look and a write, each perhaps in a few pieces. */
    private static final int URGENT_MORE = 8;

    private final NettyLoop loop;
    private final RemoteSession session;
    private final RemoteSettings settings;
    private final WaitingLine<RemotePiece> waiting = new WaitingLine<>(RemotePiece::isUrgent);
    private final UnflushedWrites unflushed = new UnflushedWrites();
    private final LinkTasks tasks;
    private final Patience patience;
    private final StallWatch stall;
    private final SendWindow window;

    private State state = State.HALTED;
    private RemoteConnection connection;
    /** Negotiated, and not let in yet. */
    private RemoteConnection joining;

    private long incarnation;
    private boolean looking;
    private boolean flushing;
    private boolean draining;
    private int endErrno = Errno.ESHUTDOWN;

    RemoteLink(NettyLoop loop, RemoteSession session, RemoteSettings settings) {
        this.loop = loop;
        this.session = session;
        this.settings = settings;
        this.tasks = new LinkTasks(loop, session::broken);
        this.patience = new Patience(loop, settings.patienceNanos());
        this.stall = new StallWatch(settings.patienceNanos());
        this.window = new SendWindow(settings.inFlightBytes());
    }

    NettyLoop loop() {
        return loop;
    }

    LinkTasks tasks() {
        return tasks;
    }

    /** Whether answered writes are kept: there is something to wait for before they may be forgotten. */
    boolean keepsWrites() {
        return session.canFlush() && !session.health().isFailed();
    }

    // ---- requests ----

    /** A request that the device has checked. Does not throw: it is this link's, or another's, to end. */
    void submit(BlockRequest request) {
        request.taken();
        if (state == State.SHARING) {
            session.home().take(request);
        } else if (RequestCutter.cut(this, request, session.export(), patience.deadline(), waiting)) {
            tasks.guard(state == State.CLOSED ? () -> failWaiting(endErrno) : this::serveWaiting);
        }
    }

    /** A request from another loop than this link's. */
    void take(BlockRequest request) {
        Runnable task = () -> submit(request);
        request.taken();
        if (!tasks.run(task)) {
            RemoteRequest.refuse(request);
        }
    }

    private void serveWaiting() {
        switch (state) {
            case UP -> sendMore();
            case READY -> connect();
            case HALTED, CONNECTING -> session.wanted();
            case SHARING -> share();
            case CLOSED -> {}
        }
        lookLater();
    }

    private void sendMore() {
        while (state == State.UP && !waiting.isEmpty() && hasRoomFor(waiting.peek())) {
            RemotePiece piece = waiting.peek();
            if (piece.changes() && !session.gate().mayChange(piece.offsetBytes)) {
                lose("whether the device is still ours is in doubt");
                return;
            }
            waiting.poll();
            piece.attempts++;
            piece.coveredSequence = session.lastSequence();
            if (!connection.sends(piece, loop.faults())) {
                piece.forgetData();
                waiting.addBack(piece);
                connection.drop();
                lose("a command could not be sent");
            }
        }
        if (state == State.UP && unflushed.heldBytes() >= settings.unflushedBytes() / 2) {
            flushKept();
        }
    }

    private boolean hasRoomFor(RemotePiece piece) {
        if (piece.isUrgent()) {
            return connection.inFlight() < settings.inFlightLimit() + URGENT_MORE;
        }
        if (connection.inFlight() >= settings.inFlightLimit()) {
            return false;
        }
        boolean fits = connection.inFlightBytes() + piece.payloadBytes() <= window.bytes();
        boolean keepable = !piece.isKept() || unflushed.heldBytes() < settings.unflushedBytes();
        return (fits || connection.inFlight() == 0) && keepable;
    }

    /** The server's answer to a piece, which nobody else has any more. */
    void answered(RemotePiece piece, int nbdError) {
        try {
            take(piece, nbdError);
        } catch (RuntimeException | Error bug) {
            finish(piece, Errno.EIO);
            tasks.caught(bug);
        }
    }

    private void take(RemotePiece piece, int nbdError) {
        long now = loop.nanoTime();
        window.answered(piece.payloadBytes(), piece.underWayNanos(now), now);
        if (nbdError == NbdError.ESHUTDOWN && piece.attempts < settings.attempts()) {
            piece.forgetData();
            waiting.addBack(piece);
            if (state == State.UP) {
                lose("server is shutting down");
            } else {
                afterAnswer();
            }
            return;
        }
        int errno = RemoteErrors.toErrno(nbdError);
        RemoteErrors.note(session.health(), piece, nbdError);
        if (nbdError == NbdError.OK && piece.command == NbdCommand.FLUSH) {
            session.stableUpTo(piece.coveredSequence);
            unflushed.releaseUpTo(session.stableSequence());
            errno = session.health().isFailed() ? Errno.EIO : Errno.OK;
        } else if (nbdError == NbdError.OK && piece.isKept()) {
            unflushed.add(piece.kept(session.nextSequence()));
        }
        finish(piece, errno);
        afterAnswer();
    }

    private void afterAnswer() {
        if (state == State.UP) {
            sendMore();
        } else if (draining && connection.inFlight() == 0) {
            halted();
        }
    }

    private void finish(RemotePiece piece, int errno) {
        if (piece.end() && piece.parent.pieceDone(errno)) {
            waiting.add(RequestCutter.flush(this, piece.parent, patience.deadline()));
            serveWaiting();
        }
    }

    private void failWaiting(int errno) {
        while (!waiting.isEmpty()) {
            finish(waiting.poll(), errno);
        }
    }

    // ---- the device's own flush ----

    private void flushKept() {
        if (!flushing) {
            flushing = true;
            sendFlush(error -> {});
        }
    }

    /** For the session, on the first loop: flushes, and tells whether this connection is still with its server. */
    void flushThen(IntConsumer outcome) {
        if (state == State.UP) {
            sendFlush(outcome);
            lookLater();
        }
    }

    private void sendFlush(IntConsumer outcome) {
        connection.send(new OwnFlush(
                session.lastSequence(), patience.deadline(), (flush, error) -> flushed(flush, error, outcome)));
    }

    private void flushed(OwnFlush flush, int nbdError, IntConsumer outcome) {
        flushing = false;
        RemoteErrors.note(session.health(), flush, nbdError);
        if (nbdError == NbdError.OK) {
            session.stableUpTo(flush.coveredSequence);
            unflushed.releaseUpTo(session.stableSequence());
        }
        outcome.accept(nbdError);
        afterAnswer();
    }

    // ---- time ----

    private void lookLater() {
        boolean idle = waiting.isEmpty() && unflushed.isEmpty() && (connection == null || connection.inFlight() == 0);
        if (!looking && !idle && state != State.CLOSED) {
            looking = true;
            tasks.later(this::look, patience.lookNanos());
        }
    }

    /** Ends what has waited too long, and flushes what has been kept for a while. */
    private void look() {
        looking = false;
        long now = loop.nanoTime();
        List<RemotePiece> late = new ArrayList<>();
        noteStalled(now);
        waiting.removeIf(piece -> patience.isExpired(piece, now) && late.add(piece));
        if (state == State.UP) {
            if (patience.isOver(connection.unanswered(), now, settings.silenceNanos())) {
                // Its answer may still come, for memory that will not be its own by then: only a new connection helps.
                connection.drop();
                lose("server does not answer");
                requeueUnanswered();
                waiting.removeIf(piece -> patience.isExpired(piece, now) && late.add(piece));
            } else {
                unflushed.releaseUpTo(session.stableSequence());
                if (!unflushed.isEmpty()) {
                    flushKept();
                }
                sendMore();
            }
        }
        late.forEach(piece -> finish(piece, Errno.EIO));
        lookLater();
    }

    private void noteStalled(long now) {
        if (stall.look(now, waiting.all(), connection == null ? List.of() : connection.unanswered())) {
            session.log().line(stall.isStalled() ? Kind.STALLED : Kind.GOES_ON, loop);
        }
    }

    /** Any thread. */
    long keptBytes() {
        return unflushed.heldBytes();
    }

    /** How long the oldest request has waited, if that is so long that the device is stalled; else 0. Any thread. */
    long stalledNanos() {
        return stall.nanos(loop);
    }

    /** From now on nothing waits longer than this: whoever uses the device wants to end. */
    void limitPatience(long nanos) {
        patience.limit(nanos);
        lookLater();
    }

    // ---- the connection ----

    private void lose(String why) {
        state = State.HALTED;
        long lost = incarnation;
        session.home().tasks().run(() -> session.lost(lost, why));
    }

    private void connectionLost(String why) {
        try {
            if (state == State.UP) {
                lose(why);
            } else if (draining) {
                halted();
            }
        } catch (RuntimeException | Error bug) {
            tasks.caught(bug);
        }
    }

    private void requeueUnanswered() {
        List<RemotePiece> exhausted = new ArrayList<>();
        for (RemoteCommand command : List.copyOf(connection.unanswered()).reversed()) {
            if (command instanceof RemotePiece piece) {
                piece.forgetData();
                if (piece.attempts < settings.attempts()) {
                    waiting.addBack(piece);
                } else {
                    exhausted.add(piece);
                }
            }
            command.abandoned();
        }
        connection.forgetUnanswered();
        exhausted.forEach(piece -> finish(piece, Errno.EIO));
    }

    /** For the session: lets go of the connection, whatever its state, and then hands over the kept writes. */
    void halt(long newIncarnation) {
        incarnation = newIncarnation;
        dropJoining();
        if (state != State.CLOSED) {
            state = State.HALTED;
        }
        draining = true;
        if (connection == null || connection.isClosed() || connection.inFlight() == 0) {
            halted();
        } else {
            tasks.later(() -> endDraining(newIncarnation), DRAIN_NANOS);
        }
    }

    private void endDraining(long itsIncarnation) {
        if (incarnation == itsIncarnation && draining) {
            halted();
        }
    }

    private void halted() {
        draining = false;
        flushing = false;
        if (connection != null) {
            connection.drop();
            requeueUnanswered();
            connection = null;
        }
        List<UnflushedWrite> kept = unflushed.takeAll();
        if (!waiting.isEmpty()) {
            session.wanted();
        }
        session.home().tasks().run(() -> session.halted(kept));
    }

    /** For the session: the device is connected again. */
    void resume() {
        if (state == State.HALTED) {
            state = State.READY;
            if (!waiting.isEmpty()) {
                connect();
            }
        }
    }

    /** For the session: ends everything that waits for a server that cannot be used. */
    void refuse() {
        if (state == State.HALTED) {
            failWaiting(Errno.EIO);
        }
    }

    /** For the session: the device is somebody else's, or a bug has broken this one; everything ends with EIO. */
    void refused() {
        endErrno = Errno.EIO;
        if (connection != null) {
            connection.drop();
            requeueUnanswered();
        }
        close(() -> {});
    }

    private void connect() {
        state = State.CONNECTING;
        long wantedBy = incarnation;
        session.connect(loop, tasks.outcome(made -> letIn(made, wantedBy), why -> share(wantedBy, why)));
    }

    private void letIn(RemoteConnection made, long wantedBy) {
        if (state != State.CONNECTING || incarnation != wantedBy) {
            made.drop();
        } else {
            joining = made;
            session.home().tasks().run(() -> session.admit(this, made.export(), wantedBy));
        }
    }

    private void dropJoining() {
        if (joining != null) {
            joining.drop();
            joining = null;
        }
    }

    /** For the session: this loop gets no connection of its own until the next loss. */
    void share(long wantedBy, String why) {
        if (state == State.CONNECTING && incarnation == wantedBy) {
            dropJoining();
            session.log().line(Kind.SHARED, loop + ": " + why);
            state = State.SHARING;
            share();
        }
    }

    private void share() {
        List<RemotePiece> pieces = waiting.takeAll();
        RemoteLink home = session.home();
        if (!home.tasks().run(() -> home.adopt(pieces))) {
            pieces.forEach(piece -> finish(piece, Errno.EIO)); // that loop has ended
        }
    }

    private void adopt(List<RemotePiece> pieces) {
        for (RemotePiece piece : pieces) {
            piece.moveTo(this);
            waiting.add(piece);
        }
        serveWaiting();
    }

    /** For the session: the connection that this loop has made may be used. */
    void join(long wantedBy) {
        if (state == State.CONNECTING && incarnation == wantedBy) {
            RemoteConnection made = joining;
            joining = null;
            up(made, wantedBy);
        }
    }

    /** For the session, on the first loop: from now on commands go through this connection. */
    void up(RemoteConnection made, long wantedBy) {
        if (state == State.CLOSED) {
            made.drop();
            return;
        }
        incarnation = wantedBy;
        connection = made;
        state = State.UP;
        made.setOwner(this::connectionLost);
        if (state == State.UP) {
            sendMore();
        }
        lookLater();
    }

    /** The caller of the device has waited for its requests. {@code gone} runs when the connection is closed. */
    void close(Runnable gone) {
        RemoteConnection last = connection == null ? joining : connection;
        boolean idle = connection != null && connection.inFlight() == 0;
        connection = null;
        joining = null;
        draining = false;
        state = State.CLOSED;
        unflushed.takeAll().forEach(UnflushedWrite::release);
        failWaiting(endErrno);
        if (last == null) {
            gone.run();
        } else {
            last.whenClosed(gone);
            if (idle) {
                last.sayGoodbye();
            } else {
                last.drop();
            }
        }
    }
}
