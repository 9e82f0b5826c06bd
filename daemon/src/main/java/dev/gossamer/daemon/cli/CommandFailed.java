package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.admin.FailureKind;

/** Ends a command with its kind's exit code. The message is one line: what is wrong and what to do about it. */
final class CommandFailed extends Exception {
    private static final long serialVersionUID = 1L;

    private final FailureKind kind;

    CommandFailed(FailureKind kind, String message) {
        this(kind, message, null);
    }

    CommandFailed(FailureKind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    FailureKind kind() {
        return kind;
    }
}
