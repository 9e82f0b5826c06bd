package dev.gossamer.nbd.client;

import io.netty.buffer.ByteBuf;

/**
 * Receives what {@link ClientReplyDecoder} finds, on the decoder's thread. Everything was checked against the request;
 * but what arrives before {@code finished} says success may be followed by an error.
 *
 * <p>No method may call {@link ClientReplyDecoder#decode} again; all may call {@link ClientReplyDecoder#expect} and
 * {@link ClientReplyDecoder#close}.
 */
public interface ReplySink {
    /**
     * Data of a READ; each byte of the request comes once, in any order.
     *
     * @param offsetBytes in the export
     * @param lengthBytes at least 1; exactly so much must be consumed from {@code in}
     */
    void data(long cookie, long offsetBytes, ByteBuf in, int lengthBytes);

    /** A part of a READ that is zero. */
    void hole(long cookie, long offsetBytes, long lengthBytes);

    /**
     * One extent of a BLOCK_STATUS, in order and without gaps per context; cut to the requested range, but perhaps not
     * reaching its end.
     *
     * @param contextIndex in {@link RemoteExport#contexts}
     * @param statusFlags 0 to 2^32 - 1; what they mean is up to the context
     */
    void status(long cookie, int contextIndex, long offsetBytes, long lengthBytes, long statusFlags);

    /**
     * The reply is complete; the cookie may be used again.
     *
     * @param nbdError one of {@link dev.gossamer.nbd.wire.NbdError}; OK means that everything was delivered
     */
    void finished(long cookie, int nbdError);

    /** The server breaks the protocol: nothing it said can be relied on, all requests fail; close. Nothing follows. */
    void violation(String why);
}
