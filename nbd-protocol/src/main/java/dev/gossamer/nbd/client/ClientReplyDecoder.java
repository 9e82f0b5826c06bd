package dev.gossamer.nbd.client;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.Map;

/**
 * Cuts a server's bytes into replies and believes none of them: each is compared with the request it answers (C3).
 * Owned by one thread. Data are handed on as they arrive; nothing is kept but a header, an error text or a descriptor
 * that is not complete, so no length a server announces leads to an allocation.
 *
 * <ol>
 *   <li>{@code HEADER}: waits for the header of a simple reply or a chunk; its first four bytes tell how long it is.
 *   <li>{@code CHUNK}: waits for the fixed part of a chunk's payload.
 *   <li>{@code DATA}: hands data on; {@code STATUS}: one descriptor after the other.
 *   <li>{@code CLOSED}: after a violation or {@link #close}; everything is thrown away.
 * </ol>
 */
public final class ClientReplyDecoder {
    /** Requests in flight, bounded so that a caller that never stops asking notices; servers take at least 128. */
    public static final int IN_FLIGHT_LIMIT = 4096;

    /** How far a chunk may exceed the maximum payload: headers and descriptors. */
    private static final int CHUNK_SLACK_BYTES = 64 << 10;

    private static final int LONGEST_ERROR_BYTES = NbdReply.ERROR_OFFSET_BYTES + NbdText.LIMIT_BYTES;
    private static final long STATUS_FLAGS_LIMIT = 0xffff_ffffL;

    private enum State {
        HEADER,
        CHUNK,
        DATA,
        STATUS,
        CLOSED
    }

    private final RemoteExport export;
    private final ReplySink sink;
    private final boolean extended;
    private final Map<Long, PendingReply> inFlight = new HashMap<>();
    private final ByteBuf partial =
            Unpooled.wrappedBuffer(new byte[LONGEST_ERROR_BYTES]).clear();

    private State state = State.HEADER;
    private PendingReply reply;
    private int chunkType;
    private boolean lastChunk;
    private long leftBytes;
    private long positionBytes;
    private int contextIndex;

    public ClientReplyDecoder(RemoteExport export, ReplySink sink) {
        this.export = export;
        this.sink = sink;
        this.extended = export.extendedHeaders();
    }

    /**
     * A request is about to be sent.
     *
     * @param contextFilter for a BLOCK_STATUS, bit i stands for the i-th of the export's contexts; -1 for all
     * @throws IllegalStateException if the cookie is in flight, or too many are
     */
    public void expect(long cookie, int command, int flags, long offsetBytes, long lengthBytes, long contextFilter) {
        if (inFlight.size() >= IN_FLIGHT_LIMIT) {
            throw new IllegalStateException("more than " + IN_FLIGHT_LIMIT + " requests in flight");
        }
        int contexts = export.contexts().size();
        long all = contexts == Long.SIZE ? -1 : (1L << contexts) - 1;
        long awaited = command == NbdCommand.BLOCK_STATUS ? contextFilter & all : 0;
        PendingReply pending = new PendingReply(cookie, command, flags, offsetBytes, lengthBytes, awaited);
        if (inFlight.putIfAbsent(cookie, pending) != null) {
            throw new IllegalStateException("cookie " + cookie + " is in flight already");
        }
    }

    /** Number of requests whose reply is not complete. */
    public int inFlight() {
        return inFlight.size();
    }

    /** No call to the sink follows. */
    public void close() {
        state = State.CLOSED;
    }

    /** Consumes all of {@code in}, which stays the caller's. */
    public void decode(ByteBuf in) {
        try {
            boolean progress;
            do {
                progress = switch (state) {
                    case HEADER -> readHeader(in);
                    case CHUNK -> readChunk(in);
                    case DATA -> passData(in);
                    case STATUS -> readDescriptor(in);
                    case CLOSED -> {
                        in.skipBytes(in.readableBytes());
                        yield false;
                    }
                };
            } while (progress);
        } catch (ServerFault fault) {
            state = State.CLOSED;
            in.skipBytes(in.readableBytes());
            sink.violation(fault.getMessage());
        }
    }

    /**
     * The next {@code lengthBytes} bytes in one place, or null while some are missing; clear {@code partial} after use.
     */
    private ByteBuf gather(ByteBuf in, int lengthBytes) {
        if (!partial.isReadable() && in.readableBytes() >= lengthBytes) {
            return in;
        }
        int missingBytes = Math.max(0, lengthBytes - partial.readableBytes());
        in.readBytes(partial, Math.min(in.readableBytes(), missingBytes));
        return partial.readableBytes() < lengthBytes ? null : partial;
    }

    private boolean readHeader(ByteBuf in) throws ServerFault {
        ByteBuf start = gather(in, Integer.BYTES);
        if (start == null) {
            return false;
        }
        int magic = start.getInt(start.readerIndex());
        boolean simple = magic == NbdMagic.SIMPLE_REPLY && !extended;
        boolean chunk = magic == (extended ? NbdMagic.EXTENDED_CHUNK : NbdMagic.REPLY_CHUNK);
        if (!simple && !(chunk && export.structuredReplies())) {
            throw new ServerFault("wrong reply magic");
        }
        int headerBytes = NbdReply.SIMPLE_REPLY_BYTES;
        if (chunk) {
            headerBytes = extended ? NbdReply.EXTENDED_CHUNK_HEADER_BYTES : NbdReply.CHUNK_HEADER_BYTES;
        }
        ByteBuf header = gather(in, headerBytes);
        if (header == null) {
            return false;
        }
        header.skipBytes(Integer.BYTES);
        if (simple) {
            readSimpleReply(header);
        } else {
            readChunkHeader(header);
        }
        partial.clear();
        return true;
    }

    private PendingReply find(long cookie) throws ServerFault {
        PendingReply found = inFlight.get(cookie);
        if (found == null) {
            throw new ServerFault("reply to a request that is not in flight");
        }
        return found;
    }

    private void readSimpleReply(ByteBuf header) throws ServerFault {
        int error = header.readInt();
        reply = find(header.readLong());
        boolean mustBeChunks = (reply.command == NbdCommand.READ && export.structuredReplies())
                || (reply.command == NbdCommand.BLOCK_STATUS && error == NbdError.OK);
        if (mustBeChunks || reply.hasBegun()) {
            throw new ServerFault("simple reply where chunks belong");
        }
        lastChunk = true;
        if (error != NbdError.OK) {
            reply.fail(known(error));
        } else if (reply.command == NbdCommand.READ && reply.lengthBytes > 0) {
            reply.cover(reply.offsetBytes, reply.lengthBytes);
            beginData(reply.offsetBytes, reply.lengthBytes);
            return;
        }
        endChunk();
    }

    private void readChunkHeader(ByteBuf header) throws ServerFault {
        int flags = header.readUnsignedShort();
        chunkType = header.readUnsignedShort();
        reply = find(header.readLong());
        if (extended && header.readLong() != reply.offsetBytes) {
            throw new ServerFault("chunk echoes another offset");
        }
        leftBytes = extended ? header.readLong() : header.readUnsignedInt();
        if ((flags & ~NbdReply.FLAG_DONE) != 0) {
            throw new ServerFault("unknown chunk flags");
        }
        if (leftBytes < 0 || leftBytes > (long) export.maximumPayloadBytes() + CHUNK_SLACK_BYTES) {
            throw new ServerFault("chunk is longer than the maximum payload");
        }
        lastChunk = (flags & NbdReply.FLAG_DONE) != 0;
        reply.begin();
        checkChunkLength();
        state = State.CHUNK;
    }

    private void checkChunkLength() throws ServerFault {
        boolean good =
                switch (chunkType) {
                    case NbdReply.CHUNK_NONE -> leftBytes == 0 && lastChunk;
                    case NbdReply.CHUNK_OFFSET_DATA -> leftBytes > NbdReply.OFFSET_BYTES;
                    case NbdReply.CHUNK_OFFSET_HOLE -> leftBytes == NbdReply.OFFSET_HOLE_BYTES;
                    case NbdReply.CHUNK_BLOCK_STATUS -> !extended
                            && isStatusLength(NbdReply.BLOCK_STATUS_BYTES, NbdReply.DESCRIPTOR_BYTES);
                    case NbdReply.CHUNK_BLOCK_STATUS_EXT -> extended
                            && isStatusLength(NbdReply.BLOCK_STATUS_EXT_BYTES, NbdReply.DESCRIPTOR_EXT_BYTES);
                    case NbdReply.CHUNK_ERROR_OFFSET -> leftBytes >= NbdReply.ERROR_OFFSET_BYTES
                            && leftBytes <= LONGEST_ERROR_BYTES;
                    default -> (chunkType & NbdReply.CHUNK_ERROR_BIT) != 0
                            && leftBytes >= NbdReply.ERROR_BYTES
                            && leftBytes <= LONGEST_ERROR_BYTES;
                };
        if (!good) {
            throw new ServerFault("chunk of type " + chunkType + " and " + leftBytes + " bytes");
        }
    }

    private boolean isStatusLength(int headBytes, int descriptorBytes) {
        return leftBytes > headBytes && (leftBytes - headBytes) % descriptorBytes == 0;
    }

    private boolean readChunk(ByteBuf in) throws ServerFault {
        int fixedBytes =
                switch (chunkType) {
                    case NbdReply.CHUNK_OFFSET_DATA -> NbdReply.OFFSET_BYTES;
                    case NbdReply.CHUNK_BLOCK_STATUS -> NbdReply.BLOCK_STATUS_BYTES;
                    case NbdReply.CHUNK_BLOCK_STATUS_EXT -> NbdReply.BLOCK_STATUS_EXT_BYTES;
                    default -> (int) leftBytes;
                };
        ByteBuf payload = gather(in, fixedBytes);
        if (payload == null) {
            return false;
        }
        leftBytes -= fixedBytes;
        switch (chunkType) {
            case NbdReply.CHUNK_NONE -> endChunk();
            case NbdReply.CHUNK_OFFSET_DATA -> {
                long offsetBytes = payload.readLong();
                reply.cover(offsetBytes, leftBytes);
                beginData(offsetBytes, leftBytes);
            }
            case NbdReply.CHUNK_OFFSET_HOLE -> {
                long offsetBytes = payload.readLong();
                long lengthBytes = payload.readUnsignedInt();
                reply.cover(offsetBytes, lengthBytes);
                sink.hole(reply.cookie, offsetBytes, lengthBytes);
                endChunk();
            }
            case NbdReply.CHUNK_BLOCK_STATUS, NbdReply.CHUNK_BLOCK_STATUS_EXT -> beginStatus(payload);
            default -> {
                readError(payload.readSlice(fixedBytes));
                endChunk();
            }
        }
        partial.clear();
        return true;
    }

    private void readError(ByteBuf payload) throws ServerFault {
        int error = payload.readInt();
        int textBytes = payload.readUnsignedShort();
        int offsetBytes = chunkType == NbdReply.CHUNK_ERROR_OFFSET ? Long.BYTES : 0;
        boolean exact = chunkType == NbdReply.CHUNK_ERROR || offsetBytes > 0;
        int restBytes = payload.readableBytes() - textBytes - offsetBytes;
        if (error == NbdError.OK || restBytes < 0 || (exact && restBytes > 0)) {
            throw new ServerFault("error chunk that contradicts itself");
        }
        if (offsetBytes > 0) {
            long place = payload.skipBytes(textBytes).readLong();
            if (place < reply.offsetBytes || place >= reply.endBytes()) {
                throw new ServerFault("error outside of the request");
            }
        }
        reply.fail(known(error));
    }

    private static int known(int error) {
        return switch (error) {
            case NbdError.EPERM,
                    NbdError.EIO,
                    NbdError.ENOMEM,
                    NbdError.EINVAL,
                    NbdError.ENOSPC,
                    NbdError.EOVERFLOW,
                    NbdError.ENOTSUP,
                    NbdError.ESHUTDOWN -> error;
            default -> NbdError.EINVAL;
        };
    }

    private void beginData(long offsetBytes, long lengthBytes) {
        positionBytes = offsetBytes;
        leftBytes = lengthBytes;
        state = State.DATA;
    }

    private boolean passData(ByteBuf in) throws ServerFault {
        int lengthBytes = (int) Math.min(in.readableBytes(), leftBytes);
        if (lengthBytes == 0) {
            return false;
        }
        int endIndex = in.readerIndex() + lengthBytes;
        sink.data(reply.cookie, positionBytes, in, lengthBytes);
        if (in.readerIndex() != endIndex) {
            throw new AssertionError("sink must consume exactly the data it was given");
        }
        positionBytes += lengthBytes;
        leftBytes -= lengthBytes;
        if (leftBytes == 0 && state != State.CLOSED) {
            endChunk();
        }
        return true;
    }

    private void beginStatus(ByteBuf payload) throws ServerFault {
        int id = payload.readInt();
        contextIndex = 0;
        int contexts = export.contexts().size();
        while (contextIndex < contexts && export.contexts().get(contextIndex).id() != id) {
            contextIndex++;
        }
        if (contextIndex == contexts || reply.command != NbdCommand.BLOCK_STATUS) {
            throw new ServerFault("status for a context that was not selected");
        }
        reply.answerContext(contextIndex);
        long descriptors = leftBytes / descriptorBytes();
        if (extended && payload.readUnsignedInt() != descriptors) {
            throw new ServerFault("number of descriptors does not fit the chunk");
        }
        if (descriptors > 1 && (reply.flags & NbdFlags.CMD_REQ_ONE) != 0) {
            throw new ServerFault("several descriptors in answer to REQ_ONE");
        }
        positionBytes = reply.offsetBytes;
        state = State.STATUS;
    }

    private int descriptorBytes() {
        return extended ? NbdReply.DESCRIPTOR_EXT_BYTES : NbdReply.DESCRIPTOR_BYTES;
    }

    private boolean readDescriptor(ByteBuf in) throws ServerFault {
        int descriptorBytes = descriptorBytes();
        ByteBuf descriptor = gather(in, descriptorBytes);
        if (descriptor == null) {
            return false;
        }
        long lengthBytes = extended ? descriptor.readLong() : descriptor.readUnsignedInt();
        long statusFlags = extended ? descriptor.readLong() : descriptor.readUnsignedInt();
        partial.clear();
        leftBytes -= descriptorBytes;
        if (lengthBytes <= 0 || statusFlags < 0 || statusFlags > STATUS_FLAGS_LIMIT) {
            throw new ServerFault("impossible descriptor");
        }
        long withinBytes = Math.min(lengthBytes, reply.endBytes() - positionBytes);
        if (leftBytes > 0 && withinBytes == reply.endBytes() - positionBytes) {
            throw new ServerFault("descriptors go on behind the request");
        }
        sink.status(reply.cookie, contextIndex, positionBytes, withinBytes, statusFlags);
        positionBytes += withinBytes;
        if (leftBytes == 0 && state != State.CLOSED) {
            endChunk();
        }
        return true;
    }

    private void endChunk() throws ServerFault {
        if (state == State.CLOSED) {
            return;
        }
        state = State.HEADER;
        if (lastChunk) {
            int error = reply.finish();
            inFlight.remove(reply.cookie);
            sink.finished(reply.cookie, error);
        }
    }
}
