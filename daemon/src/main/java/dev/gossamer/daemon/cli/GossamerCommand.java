package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.PoolInUse;
import dev.gossamer.daemon.Version;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.owner.ForeignOwner;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/** The command {@code gossamer}. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 another process has
 * the pool, 4 a served pool failed. */
@Command(
        name = "gossamer",
        description = "Serves the volumes of a thin pool over NBD.",
        versionProvider = GossamerCommand.VersionLine.class,
        mixinStandardHelpOptions = true,
        scope = CommandLine.ScopeType.INHERIT,
        footer = {
            "",
            "Try it:",
            "  gossamer quickstart /tmp/demo        make a pool with a volume and serve it",
            "  gossamer volume list -p /tmp/demo    in another terminal",
            "",
            "'gossamer COMMAND --help' explains a command and shows examples."
        })
public final class GossamerCommand extends CommandGroup {
    /** Nothing works until the pool is opened again (M-5), which a service manager does: 2 would keep it from that. */
    static final int POOL_FAILED = 4;

    private static final int FAILED = 1;

    /** Trying again does not help as long as the other process is there. */
    private static final int IN_USE = 3;

    /** All commands, in the order of the help. */
    private static final List<Class<?>> COMMANDS = List.of(
            QuickstartCommand.class,
            PoolCommand.class,
            ServeCommand.class,
            VolumeCommand.class,
            SnapshotCommand.class,
            CowCommand.class,
            StatusCommand.class,
            ReloadCommand.class,
            CompletionCommand.class);

    /** Runs a command line and returns its exit code. */
    public static int run(String... args) {
        return commandLine(args).execute(args);
    }

    /**
     * What can execute these arguments. If the first of them names a command, it knows that command alone: reading the
     * annotations of all of them costs the daemon's start more time and memory than opening the pool. Without a name
     * (help, a mistake, no arguments at all) it knows them all.
     */
    static CommandLine commandLine(String... args) {
        CommandLine commandLine = new CommandLine(new GossamerCommand());
        List<Class<?>> named = COMMANDS.stream()
                .filter(command -> args.length > 0 && nameOf(command).equals(args[0]))
                .limit(1)
                .toList();
        for (Class<?> command : named.isEmpty() ? COMMANDS : named) {
            commandLine.addSubcommand(command);
        }
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(GossamerCommand::failed);
        commandLine.setParameterExceptionHandler(GossamerCommand::wrongUsage);
        return commandLine;
    }

    private static String nameOf(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    private static int failed(Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed)
            throws Exception {
        if (failure instanceof CommandFailed || failure instanceof StorageException) {
            commandLine.getErr().println("gossamer: " + failure.getMessage());
            return failure instanceof PoolInUse || failure instanceof ForeignOwner ? IN_USE : FAILED;
        }
        if (failure instanceof IOException) {
            commandLine.getErr().println("gossamer: " + Reason.of(failure));
            return FAILED;
        }
        throw failure;
    }

    private static int wrongUsage(ParameterException wrong, String[] args) {
        CommandLine commandLine = wrong.getCommandLine();
        PrintWriter err = commandLine.getErr();
        err.println("gossamer: " + wrong.getMessage());
        err.println("Try '" + commandLine.getCommandSpec().qualifiedName() + " --help'.");
        return commandLine.getCommandSpec().exitCodeOnInvalidInput();
    }

    /** What {@code --version} prints. */
    static final class VersionLine implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"gossamer " + Version.current()};
        }
    }
}
