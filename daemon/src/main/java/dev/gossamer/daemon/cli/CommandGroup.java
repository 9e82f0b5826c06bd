package dev.gossamer.daemon.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that does nothing itself but has others: what its methods and nested commands share. */
abstract class CommandGroup implements Runnable {
    @Spec
    private CommandSpec spec;

    /** The group alone is wrong usage. */
    @Override
    public final void run() {
        throw wrongUsage("a command is missing");
    }

    final CommandSpec spec() {
        return spec;
    }

    /** To be thrown; ends the command with exit code 2. */
    final ParameterException wrongUsage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    final void println(String text) {
        Output.print(spec, text);
    }
}
