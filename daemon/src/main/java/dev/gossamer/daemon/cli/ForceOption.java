package dev.gossamer.daemon.cli;

import picocli.CommandLine.Option;

/** {@code --force} of commands that need an export for themselves. */
final class ForceOption {
    @Option(
            names = "--force",
            description = "Disconnect clients that are in the way first: what they have under way ends, more is "
                    + "refused.")
    private boolean given;

    boolean isGiven() {
        return given;
    }

    /** What the path of a request ends in. */
    String query() {
        return given ? "?force=true" : "";
    }
}
