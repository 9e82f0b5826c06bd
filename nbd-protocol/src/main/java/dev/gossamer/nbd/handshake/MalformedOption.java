package dev.gossamer.nbd.handshake;

/** The data of an option contradicts itself; the message is short and safe to send. */
final class MalformedOption extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedOption(String message) {
        super(message, null, false, false);
    }
}
