package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;

/**
 * Appends reply headers to a buffer of the caller; the data of a READ follows as a buffer of its own, which the caller
 * writes directly behind it (T22). Free of allocation but for an over-long error text.
 */
public final class ReplyEncoder {
    /** Shorter than the protocol's 4096: an error text is one line for a person (T23). */
    public static final int ERROR_TEXT_LIMIT_BYTES = 200;

    /** Longest header this class writes: what a caller's buffer must have room for. */
    public static final int LONGEST_HEADER_BYTES = NbdReply.ERROR_CHUNK_HEADER_BYTES + ERROR_TEXT_LIMIT_BYTES;

    private ReplyEncoder() {}

    /**
     * A whole reply without data: success of every command but READ, and errors for clients without structured replies.
     *
     * @param error one of {@link NbdError}
     */
    public static void simpleReply(ByteBuf out, int error, long cookie) {
        out.writeInt(NbdMagic.SIMPLE_REPLY);
        out.writeInt(error);
        out.writeLong(cookie);
    }

    /**
     * What goes before the data of a successful READ answered in one piece; exactly {@code lengthBytes} of data must
     * follow. It promises the whole data, so all of it must have been read (T16). For length 0 it is the whole reply.
     */
    public static void readReplyHeader(
            ByteBuf out, boolean structured, long cookie, long offsetBytes, int lengthBytes) {
        if (!structured) {
            simpleReply(out, NbdError.OK, cookie);
        } else if (lengthBytes == 0) {
            // An OFFSET_DATA chunk must not be empty (T10).
            chunkHeader(out, NbdReply.FLAG_DONE, NbdReply.CHUNK_NONE, cookie, 0);
        } else {
            dataChunkHeader(out, NbdReply.FLAG_DONE, cookie, offsetBytes, lengthBytes);
        }
    }

    /**
     * What goes before the data of one piece of a READ.
     *
     * @param chunkFlags {@link NbdReply#FLAG_DONE} on the reply's last chunk, else 0
     * @param lengthBytes at least 1
     */
    public static void dataChunkHeader(ByteBuf out, int chunkFlags, long cookie, long offsetBytes, int lengthBytes) {
        chunkHeader(out, chunkFlags, NbdReply.CHUNK_OFFSET_DATA, cookie, Long.BYTES + lengthBytes);
        out.writeLong(offsetBytes);
    }

    /**
     * One piece of a READ that is zero and needs no data.
     *
     * @param chunkFlags {@link NbdReply#FLAG_DONE} on the reply's last chunk, else 0
     * @param lengthBytes 1 to 2^32 - 1
     */
    public static void holeChunk(ByteBuf out, int chunkFlags, long cookie, long offsetBytes, long lengthBytes) {
        chunkHeader(out, chunkFlags, NbdReply.CHUNK_OFFSET_HOLE, cookie, Long.BYTES + Integer.BYTES);
        out.writeLong(offsetBytes);
        out.writeInt((int) lengthBytes);
    }

    /**
     * A whole reply that reports failure; ends a READ's reply of which chunks were already sent, too.
     *
     * @param command the command that is answered
     * @param error one of {@link NbdError} that may answer it, not {@link NbdError#OK}
     * @param text for people, without internal paths; cut after {@link #ERROR_TEXT_LIMIT_BYTES}; unused in simple replies
     */
    public static void errorReply(ByteBuf out, boolean structured, int command, int error, long cookie, String text) {
        assert NbdError.mayAnswer(error, command) : "error " + error + " must not answer command " + command;
        if (!structured) {
            simpleReply(out, error, cookie);
            return;
        }
        int start = out.writerIndex();
        chunkHeader(out, NbdReply.FLAG_DONE, NbdReply.CHUNK_ERROR, cookie, 0);
        out.writeInt(error);
        out.writeShort(0);
        int textStart = out.writerIndex();
        NbdText.write(out, text, ERROR_TEXT_LIMIT_BYTES);
        int textBytes = out.writerIndex() - textStart;
        out.setShort(textStart - Short.BYTES, textBytes);
        out.setInt(start + NbdReply.CHUNK_HEADER_BYTES - Integer.BYTES, Integer.BYTES + Short.BYTES + textBytes);
    }

    private static void chunkHeader(ByteBuf out, int flags, int type, long cookie, int lengthBytes) {
        out.writeInt(NbdMagic.REPLY_CHUNK);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeInt(lengthBytes);
    }
}
