package dev.gossamer.daemon.server.stream;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;

/**
 * What a {@link ChannelStream} has not given to its channel yet: headers and data in the order of the replies. Data
 * stays in the loop's transfer memory, and counts as the connection's, until it leaves here. Confined to the loop.
 */
final class PieceQueue {
    private final ArrayDeque<ByteBuf> pieces = new ArrayDeque<>();
    // Those of the pieces that are headers, in the same order.
    private final ArrayDeque<ByteBuf> headers = new ArrayDeque<>();
    private long bytes;
    private int headerBytes;

    long bytes() {
        return bytes;
    }

    int headerBytes() {
        return headerBytes;
    }

    boolean isEmpty() {
        return pieces.isEmpty();
    }

    /** Owns the header until it is taken; not if this throws. */
    void addHeader(ByteBuf header) {
        add(header);
        try {
            headers.add(header);
        } catch (RuntimeException | Error noMemory) {
            pieces.removeLast();
            bytes -= header.readableBytes();
            throw noMemory;
        }
        headerBytes += header.readableBytes();
    }

    /** Owns the data until it is taken. */
    void add(ByteBuf data) {
        pieces.add(data);
        bytes += data.readableBytes();
    }

    /** The next bytes, no more than this many, which the caller owns; there are some. */
    @SuppressWarnings("ReferenceEquality") // One object in two queues.
    ByteBuf take(int limitBytes) {
        ByteBuf first = pieces.peek();
        boolean isHeader = headers.peek() == first;
        boolean whole = first.readableBytes() <= limitBytes;
        ByteBuf taken = whole ? first : first.readRetainedSlice(limitBytes);
        bytes -= taken.readableBytes();
        headerBytes -= isHeader ? taken.readableBytes() : 0;
        if (whole) {
            pieces.poll();
            if (isHeader) {
                headers.poll();
            }
        }
        return taken;
    }

    /** Gives everything back: the client is gone. */
    void close() {
        headers.clear();
        while (!pieces.isEmpty()) {
            pieces.poll().release();
        }
        bytes = 0;
        headerBytes = 0;
    }
}
