package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdCommandRules;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;

/**
 * Every check a request must pass, in one place and in the order of T4 to T10; nothing behind it checks again. Pure and
 * free of allocation. DISC is not for it: its fields are ignored (T35).
 */
public final class RequestValidator {
    /**
     * Longest READ with structured replies, in pieces of the advertised maximum; some clients ask for that much without
     * looking at what is advertised (T20).
     */
    public static final int READ_LIMIT_BYTES = 64 << 20;

    /** Payload of BLOCK_STATUS: the range's length, then context ids. */
    static final int FILTER_LENGTH_BYTES = Long.BYTES;

    static final int FILTER_ID_BYTES = Integer.BYTES;

    private static final int WRITE_COMMANDS =
            1 << NbdCommand.WRITE | 1 << NbdCommand.TRIM | 1 << NbdCommand.WRITE_ZEROES;

    private RequestValidator() {}

    /**
     * The first rule the request breaks, or {@link RequestFault#NONE}. For a BLOCK_STATUS with payload that is only a
     * first part: its range is known and checked, by {@link #checkRange}, when the payload was read.
     *
     * @param sizeBytes of the export now; it may have grown since the handshake (T62)
     */
    public static RequestFault check(NbdRequest request, NegotiatedExport negotiated, long sizeBytes) {
        int command = request.command();
        int advertised = negotiated.transmissionFlags();
        RequestFault payloadFault = checkPayload(request, negotiated);
        if (payloadFault != RequestFault.NONE) {
            return payloadFault;
        }
        int allowed = NbdCommandRules.allowedFlags(command, negotiated.extendedHeaders(), advertised);
        if (allowed == NbdCommandRules.NO_COMMAND) {
            return RequestFault.UNKNOWN_COMMAND;
        }
        if ((request.flags() & ~allowed) != 0) {
            return RequestFault.BAD_FLAGS;
        }
        boolean writes = (WRITE_COMMANDS >> command & 1) != 0;
        if (writes && (advertised & NbdFlags.READ_ONLY) != 0) {
            return RequestFault.READ_ONLY;
        }
        if (!NbdCommandRules.isAdvertised(command, advertised)) {
            return RequestFault.NOT_ADVERTISED;
        }
        if (command == NbdCommand.FLUSH) {
            return RequestFault.NONE;
        }
        if (command == NbdCommand.BLOCK_STATUS) {
            int contexts = negotiated.contexts().size();
            if (contexts == 0) {
                return RequestFault.NO_CONTEXTS;
            }
            if (request.hasPayload()) {
                return isFilterLength(request.lengthBytes(), contexts)
                        ? RequestFault.NONE
                        : RequestFault.BAD_CONTEXT_FILTER;
            }
        }
        return checkRange(request, negotiated, sizeBytes);
    }

    private static RequestFault checkPayload(NbdRequest request, NegotiatedExport negotiated) {
        if (!request.hasPayload()) {
            return request.command() == NbdCommand.WRITE ? RequestFault.WRITE_WITHOUT_PAYLOAD : RequestFault.NONE;
        }
        long lengthBytes = request.lengthBytes();
        if (lengthBytes < 0 || lengthBytes > ExportInfo.PAYLOAD_HARD_CAP_BYTES) {
            return RequestFault.PAYLOAD_OVER_HARD_CAP;
        }
        return lengthBytes > negotiated.export().maximumPayloadBytes()
                ? RequestFault.PAYLOAD_TOO_LONG
                : RequestFault.NONE;
    }

    /** At least one id, and no more than there are: every id must be another one (T60). */
    private static boolean isFilterLength(long lengthBytes, int contexts) {
        return lengthBytes >= FILTER_LENGTH_BYTES + FILTER_ID_BYTES
                && lengthBytes <= FILTER_LENGTH_BYTES + (long) contexts * FILTER_ID_BYTES
                && lengthBytes % FILTER_ID_BYTES == 0;
    }

    /** The part of {@link #check} that looks at offset and length. */
    static RequestFault checkRange(NbdRequest request, NegotiatedExport negotiated, long sizeBytes) {
        int command = request.command();
        long offsetBytes = request.offsetBytes();
        long lengthBytes = request.lengthBytes();
        // Subtracted, not added: offset + length may exceed 2^63. A length of 0 at the very end is inside.
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > sizeBytes || lengthBytes > sizeBytes - offsetBytes) {
            boolean needsSpace = command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES;
            return needsSpace ? RequestFault.NO_SPACE_PAST_END : RequestFault.PAST_END;
        }
        if (command == NbdCommand.BLOCK_STATUS && lengthBytes == 0) {
            return RequestFault.EMPTY_BLOCK_STATUS;
        }
        if (command == NbdCommand.READ && lengthBytes > longestReadBytes(request, negotiated)) {
            return negotiated.structuredReplies() ? RequestFault.READ_OVERFLOW : RequestFault.READ_TOO_LONG;
        }
        // A trim may be rounded inward and is never refused for its edges (H30).
        if (negotiated.blockSizeAsked() && command != NbdCommand.TRIM) {
            long withinBlock = negotiated.export().minimumBlockBytes() - 1L;
            if (((offsetBytes | lengthBytes) & withinBlock) != 0) {
                return RequestFault.UNALIGNED;
            }
        }
        return RequestFault.NONE;
    }

    /** One piece without structured replies or with DF, several pieces otherwise (T19, T20). */
    private static long longestReadBytes(NbdRequest request, NegotiatedExport negotiated) {
        boolean pieces = negotiated.structuredReplies() && (request.flags() & NbdFlags.CMD_DF) == 0;
        return pieces ? READ_LIMIT_BYTES : negotiated.export().maximumPayloadBytes();
    }
}
