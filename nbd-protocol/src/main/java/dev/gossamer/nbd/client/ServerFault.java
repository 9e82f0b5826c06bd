package dev.gossamer.nbd.client;

/** The server sent what the protocol forbids: nothing it says can be relied on any more. */
final class ServerFault extends Exception {
    private static final long serialVersionUID = 1L;

    ServerFault(String message) {
        super(message, null, false, false);
    }
}
