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
    private static final List<String> VERSION_OPTIONS = List.of("-V", "--version");

    /** All commands by name, in the order of the help; see {@link ToolCommands#all} for why by name. */
    static Map<String, Class<?>> commands() {
        Map<String, Class<?>> all = new LinkedHashMap<>();
        all.put("quickstart", QuickstartCommand.class);
        all.put("pool", PoolCommand.class);
        all.put("serve", ServeCommand.class);
        all.put("volume", VolumeCommand.class);
        all.put("snapshot", SnapshotCommand.class);
        all.put("clone", CloneCommand.class);
        all.put("defragment", DefragmentCommand.class);
        all.put("dedupe", DedupeCommand.class);
        all.put("job", JobCommand.class);
        all.put("cow", CowCommand.class);
        all.put("attach", AttachCommand.class);
        all.put("detach", DetachCommand.class);
        all.put("status", StatusCommand.class);
        all.put("top", TopCommand.class);
        all.put("events", EventsCommand.class);
        all.put("space", SpaceCommand.class);
        all.put("ui", UiCommand.class);
        all.put("doctor", DoctorCommand.class);
        all.put("bundle", BundleCommand.class);
        all.put("reload", ReloadCommand.class);
        all.put("completion", CompletionCommand.class);
        all.putAll(ToolCommands.all());
        return all;
    }

    /** Runs a command line and returns its exit code. */
    public static int run(String... args) {
        return run(new StandardOutput(System.out), args);
    }

    /** Likewise, its results printed there. */
    static int run(StandardOutput out, String... args) {
        return run(commandLine(args).setOut(out), out, args);
    }

    static int run(CommandLine commandLine, StandardOutput out, String... args) {
        int exitCode;
        try {
            exitCode = commandLine.execute(args);
        } catch (OutOfMemoryError none) {
            // Not its trace: what has no memory left is not what has taken it.
            commandLine
                    .getErr()
                    .println("gossamer: not enough memory: " + Reason.of(none)
                            + "; give the process more with GOSSAMER_JAVA_OPTS=-XmxSIZE");
            return FailureKind.FAILED.exitCode();
        } catch (Error mistake) {
            mistake.printStackTrace(commandLine.getErr());
            return FailureKind.FAILED.exitCode();
        }
        IOException failure = out.failure();
        if (failure == null || exitCode != 0) {
            return exitCode;
        }
        commandLine.getErr().println("gossamer: standard output: " + Reason.of(failure));
        return FailureKind.FAILED.exitCode();
    }

    /**
     * What can execute these arguments. If the first of them names a command, it knows that command alone: reading the
     * annotations of all of them costs the daemon's start more time and memory than opening the pool. Without a name
     * (help, a mistake, no arguments at all) it knows them all, for its version none.
     */
    static CommandLine commandLine(String... args) {
        CommandLine commandLine = new CommandLine(new GossamerCommand());
        Map<String, Class<?>> all = commands();
        String first = args.length == 0 ? "" : args[0];
        if (all.containsKey(first)) {
            commandLine.addSubcommand(all.get(first));
        } else if (!(args.length == 1 && VERSION_OPTIONS.contains(first))) {
            all.values().forEach(commandLine::addSubcommand);
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
            commandLine.getErr().println("gossamer: " + StandardError.oneLine(Reason.of(failure)));
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
        // Picocli names Java's types, which nobody types.
        String message = wrong.getMessage().replaceFirst(" is not an? (int|long)$", " is not a whole number");
        err.println("gossamer: " + message + suggestion(wrong));
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
