package dev.gossamer.it.sim.world;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The history of a run: a rolling hash of all that happened, and its lines as well if somebody wants to read them. */
public final class Trace {
    private final List<String> lines;
    private long hash = 0x6F73_7361_6D65_7221L;
    private long events;

    /** @param kept whether lines are kept, for a person or for a comparison */
    public Trace(boolean kept) {
        lines = kept ? new ArrayList<>() : null;
    }

    /** Something happened. Its text is made only if it is kept; its numbers are all that counts. */
    public void note(long nowNanos, int kind, long a, long b, Supplier<String> text) {
        events++;
        mix(nowNanos);
        mix(kind);
        mix(a);
        mix(b);
        if (lines != null) {
            lines.add(String.format("%12.3f ", nowNanos / 1e3) + text.get());
        }
    }

    /** Bytes that went somewhere. */
    public void bytes(byte[] data, int from, int length) {
        long sum = length;
        for (int i = from; i < from + length; i++) {
            sum = sum * 31 + data[i];
        }
        mix(sum);
    }

    private void mix(long value) {
        hash = (hash ^ value) * 0x9E37_79B9_7F4A_7C15L;
        hash ^= hash >>> 32;
    }

    public long hash() {
        return hash;
    }

    public long events() {
        return events;
    }

    /** Empty if none are kept. */
    public List<String> lines() {
        return lines == null ? List.of() : lines;
    }
}
