package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ClientStream;
import dev.gossamer.daemon.server.stream.ReplyData;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Invariant;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusQuery;

/**
 * The replies of one connection, in the order of the calls: each is one run of bytes, never mixed with another (T22).
 * Confined to the connection's event loop.
 */
final class ReplyWriter {
    private final ClientStream stream;
    private final ReplyEncoder encoder;
    private final boolean structured;
    private final int longestChunkBytes;
    private final Answer extents = new Answer();

    ReplyWriter(ClientStream stream, NegotiatedExport negotiated) {
        this.stream = stream;
        this.encoder = new ReplyEncoder(negotiated);
        this.structured = negotiated.structuredReplies();
        this.longestChunkBytes = negotiated.export().maximumPayloadBytes();
    }

    /** Success of a command that returns no data. */
    void done(long cookie, long offsetBytes) {
        encoder.doneReply(stream.header(), cookie, offsetBytes);
        stream.endReply();
    }

    /** Success of a READ of nothing. */
    void nothingRead(long cookie, long offsetBytes) {
        encoder.readReplyHeader(stream.header(), cookie, offsetBytes, 0);
        stream.endReply();
    }

    /** Success of a READ where nothing is mapped; structured replies only. */
    void holeRead(long cookie, long offsetBytes, long lengthBytes) {
        encoder.holeChunk(stream.header(), NbdReply.FLAG_DONE, cookie, offsetBytes, offsetBytes, lengthBytes);
        stream.endReply();
    }

    /**
     * Success of a READ. Owns {@code data} from here on, even if it cannot be sent.
     *
     * @return bytes of data to be sent
     */
    int dataRead(long cookie, long offsetBytes, ReplyData data) {
        int lengthBytes = data.readableBytes();
        try {
            dataHeaders(cookie, offsetBytes, data);
        } catch (RuntimeException | Error fault) {
            data.release();
            throw fault;
        }
        stream.data(data);
        stream.endReply();
        return lengthBytes;
    }

    /** All up to the last piece, which stays in {@code data}. */
    private void dataHeaders(long cookie, long offsetBytes, ReplyData data) {
        int left = data.readableBytes();
        long position = offsetBytes;
        // Longer than a chunk may be: the client allows replies in pieces, or the validator would have refused it
        // (T20).
        while (left > longestChunkBytes) {
            encoder.dataChunkHeader(stream.header(), 0, cookie, offsetBytes, position, longestChunkBytes);
            stream.data(data.readRetainedSlice(longestChunkBytes));
            position += longestChunkBytes;
            left -= longestChunkBytes;
        }
        if (position == offsetBytes) {
            encoder.readReplyHeader(stream.header(), cookie, offsetBytes, left);
        } else {
            encoder.dataChunkHeader(stream.header(), NbdReply.FLAG_DONE, cookie, offsetBytes, position, left);
        }
    }

    /**
     * Success of a READ that has holes; structured replies only. Owns {@code data} as {@link #dataRead} does.
     *
     * @param data the whole range; what the layout calls a hole is left out
     * @return bytes of data to be sent
     */
    int sparseRead(long cookie, long offsetBytes, ReplyData data, ReadLayout layout) {
        try {
            int sentBytes = sparseChunks(cookie, offsetBytes, data, layout);
            stream.endReply();
            return sentBytes;
        } finally {
            data.release(); // what is sent has been taken out of it
        }
    }

    private int sparseChunks(long cookie, long offsetBytes, ReplyData data, ReadLayout layout) {
        int sentBytes = 0;
        for (int i = 0; i < layout.runs(); i++) {
            long position = layout.beginBytes(i);
            long end = layout.endBytes(i);
            boolean last = i == layout.runs() - 1;
            if (layout.isHole(i)) {
                encoder.holeChunk(
                        stream.header(), last ? NbdReply.FLAG_DONE : 0, cookie, offsetBytes, position, end - position);
                data.skipBytes((int) (end - position));
            }
            while (!layout.isHole(i) && position < end) {
                int pieceBytes = (int) Math.min(end - position, longestChunkBytes);
                boolean done = last && position + pieceBytes == end;
                encoder.dataChunkHeader(
                        stream.header(), done ? NbdReply.FLAG_DONE : 0, cookie, offsetBytes, position, pieceBytes);
                stream.data(data.readRetainedSlice(pieceBytes));
                position += pieceBytes;
                sentBytes += pieceBytes;
            }
        }
        return sentBytes;
    }

    /**
     * Success of a BLOCK_STATUS: one chunk per context. Owns {@code room} from here on, even if it cannot be sent.
     *
     * @param room empty, with memory behind it for as many extents as the query was limited to
     */
    void status(long cookie, long offsetBytes, StatusQuery answered, int[] contextIds, ReplyData room) {
        try {
            statusChunks(cookie, offsetBytes, answered, contextIds, room);
        } catch (RuntimeException | Error fault) {
            room.release();
            throw fault;
        }
        stream.data(room);
        stream.endReply();
    }

    private void statusChunks(long cookie, long offsetBytes, StatusQuery answered, int[] contextIds, ReplyData room) {
        extents.query = answered;
        int contexts = answered.contexts();
        for (int i = 0; i < contexts; i++) {
            int flags = i == contexts - 1 ? NbdReply.FLAG_DONE : 0;
            extents.context = i;
            encoder.blockStatusChunk(room, flags, cookie, offsetBytes, contextIds[i], extents, answered.count(i));
        }
        Invariant.check(room.readableBytes() <= room.roomBytes(), "block status beyond its memory");
    }

    /** One answer of a query, as the encoder reads it. */
    private static final class Answer implements ReplyEncoder.Extents {
        private StatusQuery query;
        private int context;

        @Override
        public long lengthBytes(int index) {
            return query.lengthBytes(context, index);
        }

        @Override
        public int flags(int index) {
            return query.flags(context, index);
        }
    }

    /** Failure of any command. */
    void failed(int command, int nbdError, long cookie, long offsetBytes, String text) {
        encoder.errorReply(stream.header(), command, nbdError, cookie, offsetBytes, affordable(text));
        stream.endReply();
    }

    /** Who does not take replies gets short ones. */
    private String affordable(String text) {
        return stream.isWritable() ? text : "";
    }

    /** Failure, at a known place if {@code errorOffsetBytes} is not {@link BlockRequest#NO_PART} (T14, T39). */
    void failedAt(long errorOffsetBytes, int command, int nbdError, long cookie, long offsetBytes, String text) {
        if (errorOffsetBytes == BlockRequest.NO_PART || !structured) {
            failed(command, nbdError, cookie, offsetBytes, text);
        } else {
            encoder.errorOffsetReply(
                    stream.header(), command, nbdError, cookie, offsetBytes, affordable(text), errorOffsetBytes);
            stream.endReply();
        }
    }
}
