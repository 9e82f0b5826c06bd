package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * {@code GET /v1/events}: what happens, told as it happens, as server-sent events (OP-38). Each second all readers get
 * what is new since the last one. A reader has one piece on its way at most: while he does not take it he gets nothing
 * more, and after a while an end with a reason. So what he misses is counted, and never kept for him.
 *
 * <pre>
 *  event: pool      {number, at, kind, text}   as in the status' "events"; those still known come first
 *  event: change    {number, at, kind, text}   somebody has changed something by this API
 *  event: now       {at}                       what follows is new
 *  event: status    as GET /v1/status; not with ?status=false
 *  event: missed    {count}                    so many events were not kept for this reader
 *  event: end       {why}                      the daemon ends the stream
 * </pre>
 *
 * While nobody reads nothing is done. Any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // closes are listened to; a pool without an answer is asked again
final class EventStream {
    /** All readers: the admin socket has room for others beside them. */
    static final int LIMIT = 50;

    static final String FULL = "too many read events already; try again later";

    static final long PERIOD_MILLIS = 1_000;

    /** What a reader who comes now can still learn of. */
    static final int CHANGES_KEPT = 32;

    private final PoolAdmin pool;
    private final ClientLog log;
    // Below: guarded by this object's monitor.
    private final List<EventReader> readers = new ArrayList<>();
    private final ArrayDeque<ObjectNode> changes = new ArrayDeque<>();
    private long changeNumber;
    private EventLoop clockLoop;
    private Future<?> clock;
    private boolean asking;

    /** @param log for who does not take what he asked for */
    EventStream(PoolAdmin pool, ClientLog log) {
        this.pool = pool;
        this.log = log;
    }

    /**
     * Makes a connection, whose request has been read, a reader's until it ends. On its loop.
     *
     * @param withStatus the pool's condition each second too
     * @return whether there was room for him
     */
    boolean open(Channel channel, String peer, boolean withStatus) {
        EventReader reader = new EventReader(channel, peer, withStatus, log);
        synchronized (this) {
            if (readers.size() >= LIMIT) {
                return false;
            }
            readers.add(reader);
        }
        channel.closeFuture().addListener(closed -> remove(reader));
        reader.begin();
        startClock(channel.eventLoop());
        tick();
        return true;
    }

    private synchronized void startClock(EventLoop loop) {
        if (clock == null && !readers.isEmpty()) {
            clockLoop = loop;
            clock = loop.scheduleAtFixedRate(this::tick, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private synchronized void remove(EventReader reader) {
        readers.remove(reader);
        if (readers.isEmpty() && clock != null) {
            clock.cancel(false);
            clock = null;
        }
    }

    /** Somebody has changed something. */
    synchronized void changed(String method, String path, String body, String peer) {
        if (changes.size() == CHANGES_KEPT) {
            changes.removeFirst();
        }
        String what =
                NbdText.echo(method) + " " + NbdText.echo(path) + (body.isEmpty() ? "" : " " + NbdText.echo(body));
        changes.addLast(JsonNodeFactory.instance
                .objectNode()
                .put("number", ++changeNumber)
                .put("at", Instant.now().toString())
                .put("kind", "change")
                .put("text", peer + " " + what));
    }

    /** Asks the pool how it is, unless that is under way, and tells all readers. */
    private void tick() {
        try {
            ask();
        } catch (RuntimeException | Error e) {
            // A clock whose task throws stands still.
            synchronized (this) {
                asking = false;
            }
            log.bug(ClientLog.Kind.ADMIN_FAILED, e, "");
        }
    }

    private void ask() {
        EventLoop loop;
        synchronized (this) {
            if (asking || clock == null) {
                return;
            }
            asking = true;
            loop = clockLoop;
        }
        pool.status().whenComplete((status, failure) -> {
            synchronized (this) {
                asking = false;
            }
            if (failure == null) {
                loop.execute(() -> tell(status));
            }
        });
    }

    private void tell(DaemonStatus status) {
        List<EventReader> all;
        List<ObjectNode> changed;
        synchronized (this) {
            all = List.copyOf(readers);
            changed = List.copyOf(changes);
        }
        List<ObjectNode> happened =
                status.events().stream().map(AdminJson::event).toList();
        // One array for all readers, and none if nobody wants it.
        byte[] condition = all.stream().anyMatch(EventReader::wantsStatus)
                ? EventReader.frame("status", AdminJson.status(status))
                : new byte[0];
        for (EventReader reader : all) {
            reader.offer(happened, changed, condition);
        }
    }

    /** The daemon stops. */
    void stop() {
        List<EventReader> all;
        synchronized (this) {
            all = List.copyOf(readers);
        }
        all.forEach(reader -> reader.end("the daemon is stopping"));
    }
}
