package dev.gossamer.daemon.cli;

import picocli.CommandLine.Option;

/** {@code --dry-run} of commands after which something is gone. */
final class DryRunOption {
    @Option(names = "--dry-run", description = "Say what would go and who is in the way, and change nothing.")
    private boolean given;

    boolean isGiven() {
        return given;
    }
}
