package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.LongSupplier;

/**
 * Cuts a connection's bytes into requests. Owned by one thread; keeps no bytes but a header that is not complete, and
 * allocates nothing per request.
 *
 * <ol>
 *   <li>{@code HEADER}: waits for 28 bytes.
 *   <li>{@code OFFERED}: the header is good, the sink has no room for the request yet.
 *   <li>{@code PAYLOAD}: hands the data of a WRITE on as it arrives, or {@code SKIP}: throws that of a refused one away.
 *   <li>{@code CLOSED}: after DISC, a violation or {@link #close}; everything is thrown away.
 * </ol>
 */
public final class RequestDecoder {
    private enum State {
        HEADER,
        OFFERED,
        PAYLOAD,
        SKIP,
        CLOSED
    }

    private final NegotiatedExport negotiated;
    private final LongSupplier currentSizeBytes;
    private final RequestSink sink;
    private final NbdRequest request = new NbdRequest();
    private final ByteBuf partialHeader =
            Unpooled.wrappedBuffer(new byte[NbdRequest.HEADER_BYTES]).clear();

    private State state = State.HEADER;
    private RequestFault fault = RequestFault.NONE;
    private long payloadLeftBytes;

    /** @param currentSizeBytes the export's size at this moment, asked once per request */
    public RequestDecoder(NegotiatedExport negotiated, LongSupplier currentSizeBytes, RequestSink sink) {
        this.negotiated = negotiated;
        this.currentSizeBytes = currentSizeBytes;
        this.sink = sink;
    }

    /**
     * Consumes all of {@code in}, which stays the caller's, unless the sink refuses a request: then the bytes behind that
     * request's header stay unread and {@link #isPaused} is true. Call again when there is room, or with more bytes; an
     * empty buffer is fine.
     */
    public void decode(ByteBuf in) {
        boolean progress;
        do {
            progress = switch (state) {
                case HEADER -> readHeader(in);
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

    /** Whether a request waits for the sink to have room; the caller should stop reading from the peer. */
    public boolean isPaused() {
        return state == State.OFFERED;
    }

    /** No call to the sink follows: what has not become ready is never executed (T51a). */
    public void close() {
        state = State.CLOSED;
    }

    private boolean readHeader(ByteBuf in) {
        ByteBuf header = in;
        if (partialHeader.isReadable() || in.readableBytes() < NbdRequest.HEADER_BYTES) {
            in.readBytes(partialHeader, Math.min(in.readableBytes(), partialHeader.writableBytes()));
            if (partialHeader.isWritable()) {
                return false;
            }
            header = partialHeader;
        }
        int magic = header.readInt();
        request.readFrom(header);
        partialHeader.clear();
        if (magic != NbdMagic.REQUEST) {
            return violate("wrong request magic");
        }
        if (request.command() == NbdCommand.DISC) {
            state = State.CLOSED;
            sink.disconnect();
            return true;
        }
        fault = RequestValidator.check(request, negotiated, currentSizeBytes.getAsLong());
        payloadLeftBytes = request.hasPayload() ? request.lengthBytes() : 0;
        if (fault == RequestFault.PAYLOAD_OVER_HARD_CAP) {
            return violate(fault.text());
        }
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
        sink.refused(request.cookie(), request.command(), fault.nbdError(), fault.text());
        return true;
    }
}
