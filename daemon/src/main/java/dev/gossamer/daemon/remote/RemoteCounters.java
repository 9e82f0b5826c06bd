package dev.gossamer.daemon.remote;

import java.util.concurrent.atomic.AtomicLong;

/** What a remote device has gone through. The session's loop writes, any thread reads. */
public final class RemoteCounters {
    private final AtomicLong reconnects = new AtomicLong();
    private final AtomicLong repeatedWrites = new AtomicLong();
    private volatile boolean connected;

    void up(boolean again) {
        connected = true;
        if (again) {
            reconnects.incrementAndGet();
        }
    }

    void down() {
        connected = false;
    }

    void repeated(int writes) {
        repeatedWrites.addAndGet(writes);
    }

    /** Whether requests reach the server. */
    public boolean isConnected() {
        return connected;
    }

    public long reconnects() {
        return reconnects.get();
    }

    public long repeatedWrites() {
        return repeatedWrites.get();
    }
}
