package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.daemon.cli.doctor.Finding;
import dev.gossamer.daemon.cli.doctor.MachineCheck;
import dev.gossamer.daemon.cli.doctor.PoolCheckup;
import dev.gossamer.daemon.config.PoolDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code gossamer doctor}: what is wrong with this machine or a pool's directory, and what to do about it. */
@Command(
        name = "doctor",
        description = {
            "Looks at the kernel, its limits, and a pool's directory: configuration, devices, room below, sockets.",
            "Needs no daemon and changes nothing. Exit code 1 if something is at fault, 0 for warnings."
        },
        footer = {"", "Examples:", "  gossamer doctor", "  gossamer doctor -p DIR", "  gossamer doctor -p DIR --json"})
final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private DirectoryArgument directory;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        List<Finding> findings = findings(new PoolDirectory(directory.path(spec)), directory.isGiven());
        Output.print(spec, output.isJson() ? json(findings).toPrettyString() : text(findings));
        boolean fault = findings.stream().anyMatch(finding -> finding.level() == Finding.Level.FAULT);
        return fault ? 1 : 0;
    }

    /** Of the machine, and of the pool if one was named or is where it is looked for. */
    static List<Finding> findings(PoolDirectory pool, boolean named) {
        Path root = Path.of("/");
        List<Finding> findings = new ArrayList<>(new MachineCheck(root).look());
        if (named || Files.exists(pool.config())) {
            findings.addAll(new PoolCheckup(pool, root).look());
        }
        return findings;
    }

    static ArrayNode json(List<Finding> findings) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (Finding finding : findings) {
            array.addObject()
                    .put("level", finding.level().word())
                    .put("about", finding.about())
                    .put("what", finding.what())
                    .put("advice", finding.advice());
        }
        return array;
    }

    private static String text(List<Finding> findings) {
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            text.append(String.format("%-8s %s: %s%n", finding.level().word(), finding.about(), finding.what()));
            if (!finding.advice().isEmpty()) {
                text.append("         ").append(finding.advice()).append(System.lineSeparator());
            }
        }
        return text.toString();
    }
}
