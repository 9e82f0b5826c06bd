package dev.gossamer.daemon.cli.tools;

/** Ends a tool with an exit code of {@link ToolExit}. The message is one line: what is wrong and the way out. */
final class ToolFailed extends Exception {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    ToolFailed(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
