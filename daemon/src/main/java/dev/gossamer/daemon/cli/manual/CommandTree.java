package dev.gossamer.daemon.cli.manual;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** All commands below one, with what completions and pages need to know of each. */
final class CommandTree {
    private static final Set<String> NAMES = Set.of("VOLUME", "NAME", "SNAPSHOT", "VOLUME|/dev/nbdN|DIR");

    private CommandTree() {}

    /** The command and all below it, outer ones first. */
    static List<CommandSpec> all(CommandLine root) {
        List<CommandSpec> all = new ArrayList<>();
        collect(root, all);
        return all;
    }

    private static void collect(CommandLine command, List<CommandSpec> all) {
        all.add(command.getCommandSpec());
        command.getSubcommands().values().forEach(each -> collect(each, all));
    }

    /** The names of the commands behind the program's: "volume create"; empty for the program. */
    static String path(CommandSpec spec) {
        String name = spec.qualifiedName();
        int space = name.indexOf(' ');
        return space < 0 ? "" : name.substring(space + 1);
    }

    /** The longest names of its options, those that are hidden left out. */
    static List<String> options(CommandSpec spec) {
        return spec.options().stream()
                .filter(option -> !option.hidden())
                .map(OptionSpec::longestName)
                .sorted()
                .toList();
    }

    /** Whether it asks for a volume that there is. */
    static boolean takesVolume(CommandSpec spec) {
        return !spec.name().equals("create")
                && spec.positionalParameters().stream().map(ArgSpec::paramLabel).anyMatch(NAMES::contains);
    }
}
