package dev.gossamer.daemon.cli;

import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code DIR} or {@code -p DIR}: the pool directory of a command that asks no daemon. */
final class DirectoryArgument {
    @Parameters(
            arity = "0..1",
            paramLabel = "DIR",
            description = "Pool directory; default $GOSSAMER_POOL, else ./gossamer-pool.")
    private Path argument;

    @Option(
            names = {"-p", "--pool"},
            paramLabel = "DIR",
            description = "The same, as other commands have it.")
    private Path option;

    /** Whether it was named, here or in the environment. */
    boolean isGiven() {
        return argument != null || option != null || System.getenv("GOSSAMER_POOL") != null;
    }

    /** The directory; throws for wrong usage. */
    Path path(CommandSpec spec) {
        if (argument != null && option != null) {
            throw new ParameterException(spec.commandLine(), "give DIR or -p DIR, not both");
        }
        if (argument != null || option != null) {
            return argument != null ? argument : option;
        }
        String fromEnvironment = System.getenv("GOSSAMER_POOL");
        return Path.of(fromEnvironment == null || fromEnvironment.isBlank() ? "gossamer-pool" : fromEnvironment);
    }
}
