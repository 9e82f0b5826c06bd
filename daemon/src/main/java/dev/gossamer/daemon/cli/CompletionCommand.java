package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.Version;
import dev.gossamer.daemon.cli.manual.Completions;
import dev.gossamer.daemon.cli.manual.ManualPages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer completion}: scripts that let shells complete commands, options and names of volumes. */
@Command(
        name = "completion",
        description = "Prints a completion script for a shell.",
        footer = {
            "",
            "Examples:",
            "  source <(gossamer completion)",
            "  gossamer completion --shell fish > ~/.config/fish/completions/gossamer.fish"
        })
final class CompletionCommand implements Callable<Integer> {
    /** Whose script. */
    enum Shell {
        BASH,
        ZSH,
        FISH;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Option(
            names = "--shell",
            paramLabel = "SHELL",
            defaultValue = "bash",
            description = "bash, zsh or fish; default ${DEFAULT-VALUE}.")
    private Shell shell;

    @Option(names = "--names", description = "Print the names of a pool's volumes instead: what the scripts ask for.")
    private boolean names;

    @Option(names = "--manual", hidden = true, description = "Write manual pages into this directory instead.")
    private Path manual;

    @Override
    public Integer call() throws CommandFailed, IOException {
        if (names) {
            StringBuilder lines = new StringBuilder();
            for (JsonNode volume : pool.parse(pool.ask("GET", "/v1/volumes", null))) {
                lines.append(volume.path("name").asText()).append('\n');
            }
            Output.print(spec, lines.toString());
            return 0;
        }
        CommandLine program = GossamerCommand.commandLine();
        if (manual != null) {
            for (Map.Entry<String, String> page :
                    ManualPages.of(program, Version.current()).entrySet()) {
                Files.writeString(manual.resolve(page.getKey()), page.getValue());
            }
            return 0;
        }
        Output.print(spec, shell == Shell.FISH ? Completions.fish(program) : Completions.bash(program));
        return 0;
    }
}
