package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.PoolInUse;
import dev.gossamer.daemon.Version;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.admin.Suggestion;
import dev.gossamer.daemon.cli.tools.ToolCommands;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.owner.ForeignOwner;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code gossamer}. Exit codes: 0 done, else those of {@link FailureKind}. */
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
    private static final int USAGE_WIDTH = 120;

    /** All commands, in the order of the help. */
    private static final List<Class<?>> COMMANDS = Stream.concat(
                    Stream.<Class<?>>of(
                            QuickstartCommand.class,
                            PoolCommand.class,
                            ServeCommand.class,
                            VolumeCommand.class,
                            SnapshotCommand.class,
                            CloneCommand.class,
                            DefragmentCommand.class,
                            DedupeCommand.class,
                            JobCommand.class,
                            CowCommand.class,
                            AttachCommand.class,
                            DetachCommand.class,
                            StatusCommand.class,
                            TopCommand.class,
                            SpaceCommand.class,
                            DoctorCommand.class,
                            BundleCommand.class,
                            ReloadCommand.class,
                            CompletionCommand.class),
                    ToolCommands.ALL.stream())
            .toList();

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
        commandLine.getCommandSpec().usageMessage().exitCodeListHeading("%nExit codes:%n");
        commandLine.getCommandSpec().usageMessage().exitCodeList(exitCodes());
        // Examples can be copied: no address or path is cut in two.
        commandLine.setUsageHelpWidth(USAGE_WIDTH);
        commandLine.setExecutionStrategy(GossamerCommand::execute);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(GossamerCommand::failed);
        commandLine.setParameterExceptionHandler(GossamerCommand::wrongUsage);
        return commandLine;
    }

    private static String nameOf(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    private static Map<String, String> exitCodes() {
        Map<String, String> codes = new LinkedHashMap<>();
        codes.put("0", "done");
        for (FailureKind kind : FailureKind.values()) {
            codes.put(Integer.toString(kind.exitCode()), kind.meaning());
        }
        return codes;
    }

    /** Help is no excuse for a command that does not exist: a script that asks for it would never notice. */
    private static int execute(ParseResult parsed) {
        ParseResult deepest = deepest(parsed);
        if (deepest.isUsageHelpRequested() && !deepest.unmatched().isEmpty()) {
            throw new UnmatchedArgumentException(deepest.commandSpec().commandLine(), deepest.unmatched());
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    private static ParseResult deepest(ParseResult parsed) {
        ParseResult deepest = parsed;
        while (deepest.hasSubcommand()) {
            deepest = deepest.subcommand();
        }
        return deepest;
    }

    private static int failed(Exception failure, CommandLine commandLine, ParseResult parsed) throws Exception {
        FailureKind kind = kindOf(failure);
        if (kind == null) {
            throw failure;
        }
        if (deepest(parsed).hasMatchedOption("--json")) {
            ObjectNode error = JsonNodeFactory.instance.objectNode();
            error.put("error", Reason.of(failure)).put("kind", kind.word()).put("exitCode", kind.exitCode());
            commandLine.getErr().println(error);
        } else {
            commandLine.getErr().println("gossamer: " + Reason.of(failure));
        }
        return kind.exitCode();
    }

    /** Null for what is a mistake of this program. */
    private static FailureKind kindOf(Exception failure) {
        return switch (failure) {
            case CommandFailed failed -> failed.kind();
            case PoolInUse taken -> FailureKind.POOL_TAKEN;
            case ForeignOwner taken -> FailureKind.POOL_TAKEN;
            case StorageException refused -> FailureKind.ofErrno(refused.errno());
            case IOException broken -> FailureKind.FAILED;
            default -> null;
        };
    }

    private static int wrongUsage(ParameterException wrong, String[] args) {
        CommandLine commandLine = wrong.getCommandLine();
        PrintWriter err = commandLine.getErr();
        err.println("gossamer: " + wrong.getMessage() + suggestion(wrong));
        err.println("Try '" + commandLine.getCommandSpec().qualifiedName() + " --help'.");
        return commandLine.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static String suggestion(ParameterException wrong) {
        if (!(wrong instanceof UnmatchedArgumentException unknown)) {
            return "";
        }
        String typed = unknown.getUnmatched().getFirst();
        CommandLine at = wrong.getCommandLine();
        return Suggestion.phrase(
                typed,
                typed.startsWith("-")
                        ? at.getCommandSpec().optionsMap().keySet()
                        : at.getSubcommands().keySet());
    }

    /** What {@code --version} prints. */
    static final class VersionLine implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"gossamer " + Version.current()};
        }
    }
}
