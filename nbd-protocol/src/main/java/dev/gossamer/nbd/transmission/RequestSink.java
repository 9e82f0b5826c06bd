package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;

/**
 * Receives what {@link RequestDecoder} finds, on the decoder's thread. For a good request the calls are {@code begin}
 * until it returns true, then {@code payload} any number of times (WRITE only), then {@code ready}. The
 * {@link NbdRequest} is the decoder's only one and holds these values until {@code ready} returned.
 *
 * <p>If the connection ends between {@code begin} and {@code ready}, nobody is told: whoever took resources in
 * {@code begin} gives them back when it closes the connection, and nothing of the incomplete WRITE may take effect
 * (T37).
 *
 * <p>No method may call {@link RequestDecoder#decode} again; all may call {@link RequestDecoder#close}.
 */
public interface RequestSink {
    /**
     * Whether there is room for the answer to one more request, whatever it will be. Asked before each header.
     *
     * @return false: the decoder reads no header and asks again at the next {@code decode}
     */
    boolean hasRoom();

    /**
     * A valid request; its payload is not read yet. Length 0 is possible for every command and means success without
     * effect, except that FUA still commits (T10); a BLOCK_STATUS is never empty. A READ may be longer than the
     * advertised maximum, up to {@link RequestValidator#READ_LIMIT_BYTES}, if its reply may come in pieces (T20).
     *
     * @return false if there are no resources for it now: the decoder stops and offers it again at the next
     *     {@code decode}
     */
    boolean begin(NbdRequest request);

    /** The next part of the payload: must consume exactly {@code lengthBytes} (at least 1) from {@code in}. */
    void payload(ByteBuf in, int lengthBytes);

    /** The request that began is complete: execute it. */
    void ready(NbdRequest request);

    /**
     * A request that must be answered with this error. Its payload, if any, has already been skipped, so a peer has to
     * send everything it announced before it gets the answer.
     *
     * @param request holds its values until this method returns
     * @param text constant, fit for an ERROR chunk
     */
    void refused(NbdRequest request, int nbdError, String text);

    /** The client said goodbye: finish what is in flight, then close (T35). Nothing follows. */
    void disconnect();

    /** The peer does not speak NBD or means harm: close without an answer (T3, T4). Nothing follows. */
    void violation(String why);
}
