package dev.gossamer.daemon;

import dev.gossamer.daemon.cli.GossamerCommand;

/** Where the program starts. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(GossamerCommand.run(args));
    }
}
