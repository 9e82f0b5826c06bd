package dev.gossamer.daemon.cli;

/** Ends a command with exit code 1. The message is one line: what is wrong and what to do about it. */
final class CommandFailed extends Exception {
    private static final long serialVersionUID = 1L;

    CommandFailed(String message) {
        super(message);
    }

    CommandFailed(String message, Throwable cause) {
        super(message, cause);
    }
}
