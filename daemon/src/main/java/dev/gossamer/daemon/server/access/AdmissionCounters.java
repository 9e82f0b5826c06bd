package dev.gossamer.daemon.server.access;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What became of those who connected, over all listeners since the server started. Any thread. */
public final class AdmissionCounters {
    /** Why a connection ended before it had an export. */
    public enum Refusal {
        /** Too many connections, of all peers or of this one. */
        TOO_MANY_CONNECTIONS,
        /** The oldest of too many unfinished handshakes, of all peers or of this one. */
        TOO_MANY_HANDSHAKES,
        HANDSHAKE_TIMED_OUT,
        /** The peer broke the protocol or its bounds. */
        PROTOCOL_VIOLATION,
        TLS_FAILED
    }

    private final LongAdder accepted = new LongAdder();
    private final LongAdder accessDenied = new LongAdder();
    private final AtomicInteger handshakes = new AtomicInteger();
    private final Map<Refusal, LongAdder> refused = new EnumMap<>(Refusal.class);

    public AdmissionCounters() {
        for (Refusal refusal : Refusal.values()) {
            refused.put(refusal, new LongAdder());
        }
    }

    /** Connections accepted, refused ones included. */
    public long accepted() {
        return accepted.sum();
    }

    public long refused(Refusal why) {
        return refused.get(why).sum();
    }

    /** Times that a peer asked for an export that exists, but not for this peer. */
    public long accessDenied() {
        return accessDenied.sum();
    }

    /** Handshakes under way now. */
    public int handshakes() {
        return handshakes.get();
    }

    void countAccepted() {
        accepted.increment();
    }

    public void countRefused(Refusal why) {
        refused.get(why).increment();
    }

    void countAccessDenied() {
        accessDenied.increment();
    }

    void addHandshakes(int change) {
        handshakes.addAndGet(change);
    }
}
