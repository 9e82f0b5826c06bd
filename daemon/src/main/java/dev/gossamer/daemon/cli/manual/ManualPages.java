package dev.gossamer.daemon.cli.manual;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Manual pages, man(7), of all commands: one for the program, and one for each of its commands. */
public final class ManualPages {
    private ManualPages() {}

    /** The texts by the names of their files, as in {@code gossamer-volume.1}. */
    public static Map<String, String> of(CommandLine program, String version) {
        Map<String, String> pages = new LinkedHashMap<>();
        pages.put("gossamer.1", page(program, version));
        program.getSubcommands()
                .forEach((name, command) -> pages.put("gossamer-" + name + ".1", page(command, version)));
        return pages;
    }

    private static String page(CommandLine command, String version) {
        CommandSpec spec = command.getCommandSpec();
        String title = spec.qualifiedName("-");
        String[] description = spec.usageMessage().description();
        StringBuilder page = new StringBuilder();
        page.append(".TH ").append(title.toUpperCase(Locale.ROOT)).append(" 1 \"\" \"gossamer ");
        page.append(version).append("\"\n.SH NAME\n").append(escape(title)).append(" \\- ");
        page.append(escape(firstSentence(description))).append("\n.SH SYNOPSIS\n");
        synopsis(page, spec);
        page.append(".SH DESCRIPTION\n")
                .append(escape(String.join(" ", description)))
                .append('\n');
        if (command.getSubcommands().isEmpty()) {
            arguments(page, spec);
        } else {
            page.append(".SH COMMANDS\n");
            command.getSubcommands().forEach((name, sub) -> sub(page, command.getParent() == null, name, sub));
        }
        examples(page, spec);
        if (command.getParent() == null) {
            page.append(".SH EXIT STATUS\n");
            spec.usageMessage().exitCodeList().forEach((code, meaning) -> entry(page, code, meaning));
        }
        page.append(".SH SEE ALSO\n.BR gossamer (1),\n.BR gossamer\\-pool.yaml (5),\n");
        page.append(".BR gossamer\\-clients.yaml (5),\n.BR gossamer\\-metrics (7)\n");
        return page.toString();
    }

    /** A command of the program has a page of its own; one of a group is described in full. */
    private static void sub(StringBuilder page, boolean own, String name, CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        String description = String.join(" ", spec.usageMessage().description());
        if (own) {
            entry(page, "gossamer " + name, description + " See gossamer-" + name + "(1).");
            return;
        }
        page.append(".SS ").append(escape(name)).append('\n');
        synopsis(page, spec);
        page.append(".PP\n").append(escape(description)).append('\n');
        arguments(page, spec);
        examples(page, spec);
    }

    private static void synopsis(StringBuilder page, CommandSpec spec) {
        page.append(".B ").append(escape(spec.qualifiedName())).append('\n');
        if (!spec.subcommands().isEmpty()) {
            page.append(".I COMMAND\n");
            return;
        }
        page.append("[\\fIoptions\\fR]");
        for (PositionalParamSpec parameter : spec.positionalParameters()) {
            boolean optional = parameter.arity().min() == 0;
            page.append(optional ? " [" : " ")
                    .append("\\fI")
                    .append(escape(parameter.paramLabel()))
                    .append("\\fR");
            page.append(optional ? "]" : "");
        }
        page.append('\n');
    }

    private static void arguments(StringBuilder page, CommandSpec spec) {
        for (PositionalParamSpec parameter : spec.positionalParameters()) {
            entry(page, parameter.paramLabel(), text(parameter));
        }
        for (OptionSpec option : spec.options()) {
            if (!option.hidden()) {
                String names = String.join(", ", option.names());
                boolean flag = option.arity().max() == 0;
                entry(page, names + (flag ? "" : " " + option.paramLabel()), text(option));
            }
        }
    }

    private static String text(ArgSpec argument) {
        String standard = argument.defaultValue() == null ? "" : argument.defaultValue();
        return String.join(" ", argument.description()).replace("${DEFAULT-VALUE}", standard);
    }

    private static void examples(StringBuilder page, CommandSpec spec) {
        String lines = Arrays.stream(spec.usageMessage().footer())
                .filter(line -> line.startsWith("  "))
                .map(line -> escape(line.substring(2)))
                .collect(Collectors.joining("\n"));
        if (!lines.isEmpty()) {
            page.append(".PP\nExamples:\n.PP\n.nf\n.RS\n").append(lines).append("\n.RE\n.fi\n");
        }
    }

    private static void entry(StringBuilder page, String term, String text) {
        page.append(".TP\n.B ")
                .append(escape(term))
                .append('\n')
                .append(escape(text))
                .append('\n');
    }

    private static String firstSentence(String[] description) {
        String text = String.join(" ", description);
        int end = text.indexOf(". ");
        String sentence = end < 0 ? text : text.substring(0, end);
        return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    }

    /** Nothing of it is an instruction to the formatter. */
    static String escape(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }
}
