package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.wire.NbdError;

/** What can be wrong with a request, with the error number and the words for the client. */
public enum RequestFault {
    NONE(NbdError.OK, ""),
    /** No answer is possible: the connection must be dropped (T4). */
    PAYLOAD_OVER_HARD_CAP(NbdError.EINVAL, "payload is longer than 64 MiB"),
    /** No answer is possible: nobody knows whether data follows (T59). */
    WRITE_WITHOUT_PAYLOAD(NbdError.EINVAL, "extended write without PAYLOAD_LEN"),
    PAYLOAD_TOO_LONG(NbdError.EINVAL, "payload is longer than the advertised maximum"),
    UNKNOWN_COMMAND(NbdError.EINVAL, "unknown command"),
    BAD_FLAGS(NbdError.EINVAL, "flag is unknown, not advertised or not for this command"),
    READ_ONLY(NbdError.EPERM, "export is read-only"),
    NOT_ADVERTISED(NbdError.EINVAL, "command is not advertised for this export"),
    NO_CONTEXTS(NbdError.EINVAL, "no metadata context is selected for this export"),
    BAD_CONTEXT_FILTER(NbdError.EINVAL, "payload is no list of different selected contexts"),
    EMPTY_BLOCK_STATUS(NbdError.EINVAL, "block status of nothing"),
    PAST_END(NbdError.EINVAL, "request reaches past the end of the export"),
    NO_SPACE_PAST_END(NbdError.ENOSPC, "write reaches past the end of the export"),
    READ_TOO_LONG(NbdError.EINVAL, "read is longer than the advertised maximum"),
    READ_OVERFLOW(NbdError.EOVERFLOW, "read is longer than can be sent"),
    UNALIGNED(NbdError.EINVAL, "offset or length is no multiple of the minimum block size");

    private final int nbdError;
    private final String text;

    RequestFault(int nbdError, String text) {
        this.nbdError = nbdError;
        this.text = text;
    }

    /** One of {@link NbdError}. */
    public int nbdError() {
        return nbdError;
    }

    public String text() {
        return text;
    }

    /** Whether the connection must end instead of being answered (T12). */
    boolean endsConnection() {
        return this == PAYLOAD_OVER_HARD_CAP || this == WRITE_WITHOUT_PAYLOAD;
    }
}
