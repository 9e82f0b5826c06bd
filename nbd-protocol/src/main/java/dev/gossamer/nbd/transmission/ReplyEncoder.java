package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;

/**
 * Appends reply headers to a buffer of the caller, in the form that was negotiated: simple, structured or extended
 * (T15). The data of a READ follows as a buffer of its own, which the caller writes directly behind its header (T22).
 * Free of allocation but for an over-long error text; may be shared by threads.
 *
 * <p>Each method takes the request's cookie and its offset as it was sent
 * ({@link dev.gossamer.nbd.wire.NbdRequest#sentOffsetBytes}), which extended replies echo.
 */
public final class ReplyEncoder {
    /** Shorter than the protocol's 4096: an error text is one line for a person (T23). */
    public static final int ERROR_TEXT_LIMIT_BYTES = 200;

    /** Longest header this class writes but for block status: what a caller's buffer must have room for. */
    public static final int LONGEST_HEADER_BYTES =
            NbdReply.EXTENDED_CHUNK_HEADER_BYTES + NbdReply.ERROR_OFFSET_BYTES + ERROR_TEXT_LIMIT_BYTES;

    /** Most descriptors in one chunk: 1 MiB with extended headers (T44). */
    public static final int DESCRIPTOR_LIMIT = 1 << 16;

    /**
     * What an extent too long for 32 bits is cut to: the last multiple of 64 KiB, so that the cut stays aligned (T44).
     */
    public static final long COMPACT_EXTENT_LIMIT_BYTES = (1L << 32) - (64 << 10);

    /** What a block status chunk says; it is read once, straight into the chunk. */
    public interface Extents {
        /** Length of an extent, at least 1. */
        long lengthBytes(int index);

        /** Its status flags. */
        int flags(int index);
    }

    private final boolean structured;
    private final boolean extended;

    public ReplyEncoder(NegotiatedExport negotiated) {
        this.structured = negotiated.structuredReplies();
        this.extended = negotiated.extendedHeaders();
    }

    /** Success of every command but READ and BLOCK_STATUS. */
    public void doneReply(ByteBuf out, long cookie, long requestOffsetBytes) {
        if (extended) {
            noneChunk(out, cookie, requestOffsetBytes);
        } else {
            simpleReply(out, NbdError.OK, cookie);
        }
    }

    /**
     * What goes before the data of a successful READ answered in one piece; exactly {@code lengthBytes} of data must
     * follow. It promises the whole data, so all of it must have been read (T16). For length 0 it is the whole reply.
     */
    public void readReplyHeader(ByteBuf out, long cookie, long requestOffsetBytes, int lengthBytes) {
        if (!structured) {
            simpleReply(out, NbdError.OK, cookie);
        } else if (lengthBytes == 0) {
            // An OFFSET_DATA chunk must not be empty (T10).
            noneChunk(out, cookie, requestOffsetBytes);
        } else {
            dataChunkHeader(out, NbdReply.FLAG_DONE, cookie, requestOffsetBytes, requestOffsetBytes, lengthBytes);
        }
    }

    /**
     * What goes before the data of one piece of a READ; structured replies only.
     *
     * @param chunkFlags {@link NbdReply#FLAG_DONE} on the reply's last chunk, else 0
     * @param offsetBytes of the piece
     * @param lengthBytes at least 1
     */
    public void dataChunkHeader(
            ByteBuf out, int chunkFlags, long cookie, long requestOffsetBytes, long offsetBytes, int lengthBytes) {
        long payloadBytes = NbdReply.OFFSET_BYTES + (long) lengthBytes;
        chunkHeader(out, chunkFlags, NbdReply.CHUNK_OFFSET_DATA, cookie, requestOffsetBytes, payloadBytes);
        out.writeLong(offsetBytes);
    }

    /**
     * One piece of a READ that is zero and needs no data; structured replies only.
     *
     * @param chunkFlags {@link NbdReply#FLAG_DONE} on the reply's last chunk, else 0
     * @param offsetBytes of the piece
     * @param lengthBytes 1 to 2^32 - 1
     */
    public void holeChunk(
            ByteBuf out, int chunkFlags, long cookie, long requestOffsetBytes, long offsetBytes, long lengthBytes) {
        chunkHeader(
                out, chunkFlags, NbdReply.CHUNK_OFFSET_HOLE, cookie, requestOffsetBytes, NbdReply.OFFSET_HOLE_BYTES);
        out.writeLong(offsetBytes);
        out.writeInt((int) lengthBytes);
    }

    /** Ends a reply successfully when its last piece did not; structured replies only. */
    public void noneChunk(ByteBuf out, long cookie, long requestOffsetBytes) {
        chunkHeader(out, NbdReply.FLAG_DONE, NbdReply.CHUNK_NONE, cookie, requestOffsetBytes, 0);
    }

    /**
     * A whole reply that reports failure; ends a READ's reply of which chunks were already sent, too.
     *
     * @param command the command that is answered
     * @param error one of {@link NbdError} that may answer it, not {@link NbdError#OK}
     * @param text for people, without internal paths; cut after {@link #ERROR_TEXT_LIMIT_BYTES}; unused in simple
     *     replies
     */
    public void errorReply(ByteBuf out, int command, int error, long cookie, long requestOffsetBytes, String text) {
        assert NbdError.mayAnswer(error, command) : "error " + error + " must not answer command " + command;
        if (structured) {
            errorChunk(out, NbdReply.CHUNK_ERROR, error, cookie, requestOffsetBytes, text, 0);
        } else {
            simpleReply(out, error, cookie);
        }
    }

    /**
     * Like {@link #errorReply}, telling where the failure is (T39); structured replies only.
     *
     * @param errorOffsetBytes within the request, and outside of the pieces that were sent
     */
    public void errorOffsetReply(
            ByteBuf out,
            int command,
            int error,
            long cookie,
            long requestOffsetBytes,
            String text,
            long errorOffsetBytes) {
        assert NbdError.mayAnswer(error, command) : "error " + error + " must not answer command " + command;
        errorChunk(out, NbdReply.CHUNK_ERROR_OFFSET, error, cookie, requestOffsetBytes, text, errorOffsetBytes);
    }

    /** Room that {@link #blockStatusChunk} needs at most for this many extents. */
    public static int blockStatusChunkBytes(int count) {
        return NbdReply.EXTENDED_CHUNK_HEADER_BYTES
                + NbdReply.BLOCK_STATUS_EXT_BYTES
                + count * NbdReply.DESCRIPTOR_EXT_BYTES;
    }

    /** Most extents of a chunk that fits into so much memory; the reverse of {@link #blockStatusChunkBytes}. */
    public static int blockStatusExtents(int bytes) {
        return Math.min(DESCRIPTOR_LIMIT, (bytes - blockStatusChunkBytes(0)) / NbdReply.DESCRIPTOR_EXT_BYTES);
    }

    /**
     * The extents of one context, from the request's offset on; structured replies only.
     *
     * <p>Without extended headers an extent of 4 GiB and more does not fit: it is cut short and ends the chunk, and the
     * client asks again from there. Cutting it into several descriptors would break both REQ_ONE and the rule that only
     * the last descriptor may reach past the request.
     *
     * @param chunkFlags {@link NbdReply#FLAG_DONE} on the reply's last chunk, else 0
     * @param extents from the request's offset on, without gaps
     * @param count of them, 1 to {@link #DESCRIPTOR_LIMIT}
     */
    public void blockStatusChunk(
            ByteBuf out,
            int chunkFlags,
            long cookie,
            long requestOffsetBytes,
            int contextId,
            Extents extents,
            int count) {
        assert count > 0 && count <= DESCRIPTOR_LIMIT : "descriptors " + count;
        if (extended) {
            long payloadBytes = NbdReply.BLOCK_STATUS_EXT_BYTES + (long) count * NbdReply.DESCRIPTOR_EXT_BYTES;
            chunkHeader(out, chunkFlags, NbdReply.CHUNK_BLOCK_STATUS_EXT, cookie, requestOffsetBytes, payloadBytes);
            out.writeInt(contextId);
            out.writeInt(count);
            for (int i = 0; i < count; i++) {
                out.writeLong(extents.lengthBytes(i));
                out.writeLong(extents.flags(i));
            }
            return;
        }
        int sent = 0;
        while (sent < count - 1 && extents.lengthBytes(sent) <= 0xffff_ffffL) {
            sent++;
        }
        sent++;
        long payloadBytes = NbdReply.BLOCK_STATUS_BYTES + (long) sent * NbdReply.DESCRIPTOR_BYTES;
        chunkHeader(out, chunkFlags, NbdReply.CHUNK_BLOCK_STATUS, cookie, requestOffsetBytes, payloadBytes);
        out.writeInt(contextId);
        for (int i = 0; i < sent; i++) {
            long lengthBytes = extents.lengthBytes(i);
            out.writeInt((int) (lengthBytes > 0xffff_ffffL ? COMPACT_EXTENT_LIMIT_BYTES : lengthBytes));
            out.writeInt(extents.flags(i));
        }
    }

    private void errorChunk(
            ByteBuf out,
            int type,
            int error,
            long cookie,
            long requestOffsetBytes,
            String text,
            long errorOffsetBytes) {
        chunkHeader(out, NbdReply.FLAG_DONE, type, cookie, requestOffsetBytes, 0);
        int payloadStart = out.writerIndex();
        out.writeInt(error);
        out.writeShort(0);
        int textStart = out.writerIndex();
        NbdText.write(out, text, ERROR_TEXT_LIMIT_BYTES);
        out.setShort(textStart - Short.BYTES, out.writerIndex() - textStart);
        if (type == NbdReply.CHUNK_ERROR_OFFSET) {
            out.writeLong(errorOffsetBytes);
        }
        // The low 32 bits of the length end the header in both forms.
        out.setInt(payloadStart - Integer.BYTES, out.writerIndex() - payloadStart);
    }

    private static void simpleReply(ByteBuf out, int error, long cookie) {
        out.writeInt(NbdMagic.SIMPLE_REPLY);
        out.writeInt(error);
        out.writeLong(cookie);
    }

    private void chunkHeader(
            ByteBuf out, int flags, int type, long cookie, long requestOffsetBytes, long payloadBytes) {
        assert structured : "chunk without structured replies";
        out.writeInt(extended ? NbdMagic.EXTENDED_CHUNK : NbdMagic.REPLY_CHUNK);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        if (extended) {
            out.writeLong(requestOffsetBytes);
            out.writeLong(payloadBytes);
        } else {
            out.writeInt((int) payloadBytes);
        }
    }
}
