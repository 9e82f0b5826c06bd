package dev.gossamer.nbd.handshake;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Ticker;
import java.util.Iterator;
import java.util.function.BiConsumer;

/**
 * An answer with an entry for each export or metadata context, written in slices: of what a peer should have in its
 * queue, and of what other clients of the loop can wait for.
 *
 * @param option that is answered
 * @param entries those that are left; null entries are left out
 * @param form appends one entry
 */
record LongAnswer<T>(int option, Iterator<T> entries, BiConsumer<ByteBuf, T> form) {
    /** A slice ends at about this length. */
    private static final int SLICE_BYTES = 32 << 10;

    /** Entries, left out or not, that a slice may look at, and the time for them: some reads of a client beside it. */
    private static final int SLICE_ENTRIES = 1024;

    private static final long SLICE_NANOS = 100_000;

    /** The clock is read after so many entries. */
    private static final int ENTRIES_PER_LOOK = 16;

    static LongAnswer<ExportInfo> exports(int option, Iterable<ExportInfo> exports) {
        return new LongAnswer<>(option, exports.iterator(), OptionReply::server);
    }

    static LongAnswer<String> contexts(int option, Iterable<String> names) {
        return new LongAnswer<>(option, names.iterator(), (out, name) -> OptionReply.metaContext(out, option, 0, name));
    }

    /** Appends a slice, and behind the last one the ACK. @return whether that was the last one */
    boolean writeSlice(ByteBuf out, Ticker clock) {
        long end = clock.nanoTime() + SLICE_NANOS;
        for (int i = 1; entries.hasNext(); i++) {
            T entry = entries.next();
            if (entry != null) {
                form.accept(out, entry);
            }
            boolean late = i % ENTRIES_PER_LOOK == 0 && clock.nanoTime() - end >= 0;
            if (out.readableBytes() >= SLICE_BYTES || i == SLICE_ENTRIES || late) {
                break;
            }
        }
        if (entries.hasNext()) {
            return false;
        }
        OptionReply.ack(out, option);
        return true;
    }
}
