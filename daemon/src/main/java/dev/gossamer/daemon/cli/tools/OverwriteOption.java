package dev.gossamer.daemon.cli.tools;

import picocli.CommandLine.Option;

/** {@code --force} of commands that make metadata where there may be some. */
final class OverwriteOption {
    @Option(names = "--force", description = "Overwrite a pool's metadata that are there.")
    private boolean given;

    boolean isGiven() {
        return given;
    }
}
