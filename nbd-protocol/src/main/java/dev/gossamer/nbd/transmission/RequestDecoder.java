package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.LongSupplier;

/**
 * Cuts a connection's bytes into requests. Owned by one thread; keeps no bytes but a header, or a list of context ids,
 * that is not complete, and allocates nothing per request.
 *
 * <ol>
 *   <li>{@code HEADER}: waits for 28 bytes, or 32 with extended headers.
 *   <li>{@code FILTER}: waits for the payload of a BLOCK_STATUS, which tells its range and contexts.
 *   <li>{@code OFFERED}: the header is good, the sink has no room for the request yet.
 *   <li>{@code PAYLOAD}: hands the data of a WRITE on as it arrives, or {@code SKIP}: throws that of a refused one
 *       away.
 *   <li>{@code CLOSED}: after DISC, a violation or {@link #close}; everything is thrown away.
 * </ol>
 */
public final class RequestDecoder {
    private enum State {
        HEADER,
        FILTER,
        OFFERED,
        PAYLOAD,
        SKIP,
        CLOSED
    }

    private final NegotiatedExport negotiated;
    private final LongSupplier currentSizeBytes;
    private final RequestSink sink;
    private final NbdRequest request = new NbdRequest();
    private final boolean extended;
    private final int magic;
    private final int headerBytes;
    private final ByteBuf partial;

    private State state = State.HEADER;
    private RequestFault fault = RequestFault.NONE;
    private long payloadLeftBytes;
    // No header is read: the sink had no room for its answer.
    private boolean crowded;

    /** @param currentSizeBytes the export's size at this moment, asked once per request */
    public RequestDecoder(NegotiatedExport negotiated, LongSupplier currentSizeBytes, RequestSink sink) {
        this.negotiated = negotiated;
        this.currentSizeBytes = currentSizeBytes;
        this.sink = sink;
        this.extended = negotiated.extendedHeaders();
        this.magic = extended ? NbdMagic.EXTENDED_REQUEST : NbdMagic.REQUEST;
        this.headerBytes = extended ? NbdRequest.EXTENDED_HEADER_BYTES : NbdRequest.HEADER_BYTES;
        int longestFilterBytes =
                RequestValidator.FILTER_LENGTH_BYTES + negotiated.contexts().size() * RequestValidator.FILTER_ID_BYTES;
        this.partial = Unpooled.wrappedBuffer(new byte[Math.max(headerBytes, longestFilterBytes)])
                .clear();
    }

    /**
     * Consumes all of {@code in}, which stays the caller's, unless the sink has no room or refuses a request: then the
     * bytes of the next header, or behind that request's header, stay unread and {@link #isPaused} is true. Call again
     * when there is room, or with more bytes; an empty buffer is fine.
     */
    public void decode(ByteBuf in) {
        crowded = false;
        boolean progress;
        do {
            progress = switch (state) {
                case HEADER -> readHeader(in);
                case FILTER -> readFilter(in);
                case OFFERED -> offer();
                case PAYLOAD -> passPayload(in);
                case SKIP -> skipPayload(in);
                case CLOSED -> {
                    in.skipBytes(in.readableBytes());
                    yield false;
                }
            };
        } while (progress);
    }

    /**
     * The next bytes of the payload of a WRITE have reached the sink by another way than {@link #decode}, which it must
     * not call meanwhile.
     *
     * @param lengthBytes at most what is missing
     */
    public void payloadPassedBy(int lengthBytes) {
        if (state != State.PAYLOAD) {
            return; // closed meanwhile
        }
        payloadLeftBytes -= lengthBytes;
        if (payloadLeftBytes == 0) {
            state = State.HEADER;
            sink.ready(request);
        }
    }

    /** Length of every request's header: 28, or 32 with extended headers. */
    public int headerBytes() {
        return headerBytes;
    }

    /** Whether a request waits for the sink to have room; the caller should stop reading from the peer. */
    public boolean isPaused() {
        return state == State.OFFERED || crowded;
    }

    /** No call to the sink follows: what has not become ready is never executed (T51a). */
    public void close() {
        state = State.CLOSED;
    }

    private boolean readHeader(ByteBuf in) {
        crowded = in.isReadable() && !sink.hasRoom();
        if (crowded) {
            return false;
        }
        ByteBuf header = gather(in, headerBytes);
        if (header == null) {
            return false;
        }
        int sentMagic = header.readInt();
        request.readFrom(header, extended);
        partial.clear();
        if (sentMagic != magic) {
            return violate("wrong request magic");
        }
        if (request.command() == NbdCommand.DISC) {
            state = State.CLOSED;
            sink.disconnect();
            return true;
        }
        fault = RequestValidator.check(request, negotiated, currentSizeBytes.getAsLong());
        if (fault.endsConnection()) {
            return violate(fault.text());
        }
        payloadLeftBytes = request.hasPayload() ? request.lengthBytes() : 0;
        if (fault != RequestFault.NONE) {
            state = State.SKIP;
        } else if (request.hasPayload() && request.command() == NbdCommand.BLOCK_STATUS) {
            state = State.FILTER;
        } else {
            state = State.OFFERED;
        }
        return true;
    }

    /**
     * The next {@code lengthBytes} bytes in one place, or null while some are missing; clear {@code partial} after use.
     */
    private ByteBuf gather(ByteBuf in, int lengthBytes) {
        if (!partial.isReadable() && in.readableBytes() >= lengthBytes) {
            return in;
        }
        in.readBytes(partial, Math.min(in.readableBytes(), lengthBytes - partial.readableBytes()));
        return partial.readableBytes() < lengthBytes ? null : partial;
    }

    /** Its length has been checked: it fits into {@code partial} and holds at least one id. */
    private boolean readFilter(ByteBuf in) {
        ByteBuf payload = gather(in, (int) payloadLeftBytes);
        if (payload == null) {
            return false;
        }
        long rangeLengthBytes = payload.readLong();
        int ids = ((int) payloadLeftBytes - RequestValidator.FILTER_LENGTH_BYTES) / RequestValidator.FILTER_ID_BYTES;
        long wanted = 0;
        boolean good = true;
        for (int i = 0; i < ids; i++) {
            // The id of the i-th context is i + 1.
            long index = payload.readUnsignedInt() - 1;
            boolean known = index >= 0 && index < negotiated.contexts().size();
            long bit = known ? 1L << index : 0;
            good &= known && (wanted & bit) == 0;
            wanted |= bit;
        }
        partial.clear();
        payloadLeftBytes = 0;
        request.narrow(rangeLengthBytes, wanted);
        fault = good
                ? RequestValidator.checkRange(request, negotiated, currentSizeBytes.getAsLong())
                : RequestFault.BAD_CONTEXT_FILTER;
        state = fault == RequestFault.NONE ? State.OFFERED : State.SKIP;
        return true;
    }

    private boolean violate(String why) {
        state = State.CLOSED;
        sink.violation(why);
        return true;
    }

    private boolean offer() {
        boolean begun = sink.begin(request);
        if (state == State.CLOSED) {
            return true;
        }
        if (!begun) {
            return false;
        }
        state = State.PAYLOAD;
        return true;
    }

    private boolean passPayload(ByteBuf in) {
        if (payloadLeftBytes > 0) {
            int lengthBytes = (int) Math.min(in.readableBytes(), payloadLeftBytes);
            if (lengthBytes == 0) {
                return false;
            }
            int endIndex = in.readerIndex() + lengthBytes;
            sink.payload(in, lengthBytes);
            if (in.readerIndex() != endIndex) {
                throw new AssertionError("sink must consume exactly the payload it was given");
            }
            payloadLeftBytes -= lengthBytes;
            return true;
        }
        state = State.HEADER;
        sink.ready(request);
        return true;
    }

    private boolean skipPayload(ByteBuf in) {
        int lengthBytes = (int) Math.min(in.readableBytes(), payloadLeftBytes);
        in.skipBytes(lengthBytes);
        payloadLeftBytes -= lengthBytes;
        if (payloadLeftBytes > 0) {
            return false;
        }
        state = State.HEADER;
        sink.refused(request, fault.nbdError(), fault.text());
        return true;
    }
}
