package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer snapshot ...}: snapshots are volumes that began as the contents of another. */
@Command(
        name = "snapshot",
        description = "Takes, lists and deletes snapshots of a running pool's volumes.",
        footer = {"", "Example:", "  gossamer snapshot create -p DIR vol0 before-upgrade"})
final class SnapshotCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    @Command(
            description = {
                "Takes a snapshot of a volume or snapshot at this instant, also while it is being written.",
                "It is a volume of its own, exported under its own name, and shares space until one of the two is written."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer snapshot create -p DIR vol0 before-upgrade",
                "  gossamer snapshot create -p DIR vol0 monday --read-only"
            })
    void create(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(index = "0", paramLabel = "VOLUME", description = "What to take a snapshot of.") String volume,
            @Parameters(index = "1", paramLabel = "NAME", description = "Name of the snapshot.") String name,
            @Option(names = "--read-only", description = "Refuse writes to the snapshot.") boolean readOnly)
            throws CommandFailed {
        JsonNode body = JsonNodeFactory.instance.objectNode().put("name", name).put("readOnly", readOnly);
        String answer = pool.ask("POST", "/v1/volumes/" + PoolOption.segment(volume) + "/snapshots", body);
        println(output.isJson() ? answer : "created " + name + ", a snapshot of " + volume);
    }

    @Command(
            description = "Lists volumes that were made as snapshots.",
            footer = {"", "Example:", "  gossamer snapshot list -p DIR --json"})
    void list(@Mixin PoolOption pool, @Mixin Output output) throws CommandFailed {
        String answer = pool.ask("GET", "/v1/snapshots", null);
        if (output.isJson()) {
            println(answer);
        } else {
            JsonNode all = pool.parse(pool.ask("GET", "/v1/volumes", null));
            println(Output.volumeTable(pool.parse(answer), all));
        }
    }

    @Command(
            description = "Deletes a snapshot that nobody is connected to. Its origin stays whole.",
            footer = {"", "Example:", "  gossamer snapshot delete -p DIR before-upgrade"})
    void delete(
            @Mixin PoolOption pool,
            @Parameters(paramLabel = "NAME", description = "Snapshot.") String name,
            @Option(
                            names = "--force",
                            description =
                                    "Disconnect its clients first: what they have under way ends, more is refused.")
                    boolean force)
            throws CommandFailed {
        String path = "/v1/volumes/" + PoolOption.segment(name);
        if (pool.parse(pool.ask("GET", path, null)).path("originId").isNull()) {
            throw new CommandFailed(name + " is no snapshot; to delete a volume: gossamer volume delete " + name);
        }
        pool.ask("DELETE", path + PoolOption.force(force), null);
        println("deleted " + name);
    }

    private void println(String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(Output.withoutLineEnd(text));
        out.flush();
    }
}
