package dev.gossamer.daemon.cli.manual;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Scripts that let shells complete commands, options, and names of volumes, for which they ask the daemon of the pool
 * that the line names.
 */
public final class Completions {
    private Completions() {}

    /** For bash, and for zsh by its emulation. */
    public static String bash(CommandLine program) {
        StringBuilder paths = new StringBuilder();
        StringBuilder words = new StringBuilder();
        for (CommandSpec spec : CommandTree.all(program)) {
            String path = CommandTree.path(spec);
            if (!path.isEmpty()) {
                paths.append(paths.isEmpty() ? "" : " | ")
                        .append("' ")
                        .append(path)
                        .append('\'');
            }
            words.append("    '").append(path.isEmpty() ? "" : " " + path).append("') words='");
            words.append(String.join(" ", spec.subcommands().keySet()));
            words.append(spec.subcommands().isEmpty() ? "" : " ").append(String.join(" ", CommandTree.options(spec)));
            words.append('\'')
                    .append(CommandTree.takesVolume(spec) ? " names=1" : "")
                    .append(" ;;\n");
        }
        return """
                # Completes gossamer in bash and zsh: source <(gossamer completion)
                [ -z "${ZSH_VERSION-}" ] || { autoload -Uz bashcompinit && bashcompinit; }
                _gossamer() {
                    local current=${COMP_WORDS[COMP_CWORD]} command= words= names= pool= word last=
                    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                        case $last in -p | --pool) pool=$word ;; esac
                        last=$word
                        case "$command $word" in
                        %s) command="$command $word" ;;
                        esac
                    done
                    case $command in
                %s    esac
                    if [ -n "$names" ] && [[ $current != -* ]]; then
                        words=$(gossamer completion --names ${pool:+-p "$pool"} 2>/dev/null)
                    fi
                    COMPREPLY=($(compgen -W "$words" -- "$current"))
                    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
                }
                complete -F _gossamer gossamer
                """
                .formatted(paths, words);
    }

    /** For fish. */
    public static String fish(CommandLine program) {
        StringBuilder script = new StringBuilder("# Completes gossamer in fish\n");
        for (CommandSpec spec : CommandTree.all(program)) {
            String path = CommandTree.path(spec);
            String condition = path.isEmpty()
                    ? "__fish_use_subcommand"
                    : "__fish_seen_subcommand_from "
                            + String.join("; and __fish_seen_subcommand_from ", path.split(" "));
            for (CommandLine sub : spec.subcommands().values()) {
                line(script, condition, "-f -a " + sub.getCommandName(), description(sub.getCommandSpec()));
            }
            for (OptionSpec option : spec.options()) {
                if (!option.hidden() && option.longestName().startsWith("--")) {
                    String text = String.join(" ", option.description());
                    line(script, condition, "-l " + option.longestName().substring(2), text);
                }
            }
            if (CommandTree.takesVolume(spec)) {
                line(script, condition, "-f -a '(gossamer completion --names 2>/dev/null)'", "volume");
            }
        }
        return script.toString();
    }

    private static void line(StringBuilder script, String condition, String what, String text) {
        script.append("complete -c gossamer -n '")
                .append(condition)
                .append("' ")
                .append(what);
        script.append(" -d '")
                .append(text.replace("\\", "\\\\").replace("'", "\\'"))
                .append("'\n");
    }

    private static String description(CommandSpec spec) {
        return String.join(" ", List.of(spec.usageMessage().description()));
    }
}
