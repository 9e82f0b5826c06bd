package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;

/** Decides by an option's header alone whether its data are looked into. */
final class OptionGate {
    /** A GO needs 4102 bytes and 2 per item; a generous multiple, also for lists of queries (H8). */
    static final int DATA_LIMIT_BYTES = 128 << 10;

    private OptionGate() {}

    /** Why an option is skipped and refused, or null if it is not. */
    static OptionRefused reasonToSkip(
            int option, int dataBytes, boolean stopping, TlsOffer.Mode tlsMode, boolean usesTls) {
        boolean tooLong = dataBytes > DATA_LIMIT_BYTES;
        if (option == NbdOption.ABORT && !tooLong) {
            return null;
        }
        if (stopping) {
            return new OptionRefused(NbdReply.ERR_SHUTDOWN, "server is shutting down");
        }
        if (tlsMode == TlsOffer.Mode.REQUIRED && !usesTls && option != NbdOption.STARTTLS) {
            return new OptionRefused(NbdReply.ERR_TLS_REQD, "server requires TLS: send STARTTLS first");
        }
        if (!isKnown(option, tlsMode)) {
            return new OptionRefused(NbdReply.ERR_UNSUP, "option is not supported");
        }
        if (tooLong) {
            return new OptionRefused(NbdReply.ERR_TOO_BIG, "option data is longer than 128 KiB");
        }
        return null;
    }

    private static boolean isKnown(int option, TlsOffer.Mode tlsMode) {
        return switch (option) {
            case NbdOption.EXPORT_NAME,
                    NbdOption.ABORT,
                    NbdOption.LIST,
                    NbdOption.INFO,
                    NbdOption.GO,
                    NbdOption.STRUCTURED_REPLY,
                    NbdOption.LIST_META_CONTEXT,
                    NbdOption.SET_META_CONTEXT,
                    NbdOption.EXTENDED_HEADERS -> true;
            case NbdOption.STARTTLS -> tlsMode != TlsOffer.Mode.NONE;
            default -> false;
        };
    }
}
