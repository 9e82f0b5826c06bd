package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;

/**
 * Every check a request header must pass, in one place and in the order of T4 to T10; nothing behind it checks again. Pure
 * and free of allocation. DISC is not for it: its fields are ignored (T35).
 */
public final class RequestValidator {
    private static final int NO_COMMAND = -1;
    private static final int WRITE_COMMANDS =
            1 << NbdCommand.WRITE | 1 << NbdCommand.TRIM | 1 << NbdCommand.WRITE_ZEROES;

    private RequestValidator() {}

    /**
     * The first rule the request breaks, or {@link RequestFault#NONE}.
     *
     * @param sizeBytes of the export now; it may have grown since the handshake (T62)
     */
    public static RequestFault check(NbdRequest request, NegotiatedExport negotiated, long sizeBytes) {
        ExportInfo export = negotiated.export();
        int command = request.command();
        int advertised = negotiated.transmissionFlags();
        long lengthBytes = request.lengthBytes();
        if (request.hasPayload() && lengthBytes > export.maximumPayloadBytes()) {
            return lengthBytes > ExportInfo.PAYLOAD_HARD_CAP_BYTES
                    ? RequestFault.PAYLOAD_OVER_HARD_CAP
                    : RequestFault.PAYLOAD_TOO_LONG;
        }
        int allowed = allowedFlags(command, advertised);
        if (allowed == NO_COMMAND) {
            return RequestFault.UNKNOWN_COMMAND;
        }
        if ((request.flags() & ~allowed) != 0) {
            return RequestFault.BAD_FLAGS;
        }
        boolean writes = (WRITE_COMMANDS >> command & 1) != 0;
        if (writes && (advertised & NbdFlags.READ_ONLY) != 0) {
            return RequestFault.READ_ONLY;
        }
        if (!isAdvertised(command, advertised)) {
            return RequestFault.NOT_ADVERTISED;
        }
        if (command == NbdCommand.FLUSH) {
            return RequestFault.NONE;
        }
        return checkRange(request, negotiated, sizeBytes);
    }

    private static RequestFault checkRange(NbdRequest request, NegotiatedExport negotiated, long sizeBytes) {
        ExportInfo export = negotiated.export();
        int command = request.command();
        long offsetBytes = request.offsetBytes();
        long lengthBytes = request.lengthBytes();
        // Subtracted, not added: offset + length may exceed 2^63. A length of 0 at the very end is inside.
        if (offsetBytes < 0 || offsetBytes > sizeBytes || lengthBytes > sizeBytes - offsetBytes) {
            boolean needsSpace = command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES;
            return needsSpace ? RequestFault.NO_SPACE_PAST_END : RequestFault.PAST_END;
        }
        if (command == NbdCommand.READ && lengthBytes > export.maximumPayloadBytes()) {
            return negotiated.structuredReplies() ? RequestFault.READ_OVERFLOW : RequestFault.READ_TOO_LONG;
        }
        // A trim may be rounded inward and is never refused for its edges (H30).
        if (negotiated.blockSizeAsked() && command != NbdCommand.TRIM) {
            long withinBlock = export.minimumBlockBytes() - 1L;
            if (((offsetBytes | lengthBytes) & withinBlock) != 0) {
                return RequestFault.UNALIGNED;
            }
        }
        return RequestFault.NONE;
    }

    /**
     * The flags a command may carry, or {@link #NO_COMMAND}. FUA, once advertised, is accepted on every command because
     * old clients set it on READ and FLUSH too (T6).
     */
    private static int allowedFlags(int command, int advertised) {
        int fua = (advertised & NbdFlags.SEND_FUA) != 0 ? NbdFlags.CMD_FUA : 0;
        return switch (command) {
            case NbdCommand.READ -> (advertised & NbdFlags.SEND_DF) != 0 ? fua | NbdFlags.CMD_DF : fua;
            case NbdCommand.WRITE, NbdCommand.FLUSH, NbdCommand.TRIM, NbdCommand.CACHE -> fua;
            case NbdCommand.WRITE_ZEROES -> {
                int fastZero = (advertised & NbdFlags.SEND_FAST_ZERO) != 0 ? NbdFlags.CMD_FAST_ZERO : 0;
                yield fua | NbdFlags.CMD_NO_HOLE | fastZero;
            }
            default -> NO_COMMAND;
        };
    }

    private static boolean isAdvertised(int command, int advertised) {
        int flag =
                switch (command) {
                    case NbdCommand.FLUSH -> NbdFlags.SEND_FLUSH;
                    case NbdCommand.TRIM -> NbdFlags.SEND_TRIM;
                    case NbdCommand.CACHE -> NbdFlags.SEND_CACHE;
                    case NbdCommand.WRITE_ZEROES -> NbdFlags.SEND_WRITE_ZEROES;
                    default -> NbdFlags.HAS_FLAGS;
                };
        return (advertised & flag) != 0;
    }
}
