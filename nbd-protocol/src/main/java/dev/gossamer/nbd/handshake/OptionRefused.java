package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdReply;

/** An option cannot be granted; the connection goes on. The message is short and safe to send. */
final class OptionRefused extends Exception {
    private static final long serialVersionUID = 1L;

    private final int replyType;

    /** @param replyType one of {@code ERR_} in {@link NbdReply} */
    OptionRefused(int replyType, String message) {
        super(message, null, false, false);
        this.replyType = replyType;
    }

    /** The data of an option contradicts itself, or the option has no place here. */
    static OptionRefused invalid(String message) {
        return new OptionRefused(NbdReply.ERR_INVALID, message);
    }

    int replyType() {
        return replyType;
    }
}
