package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.admin.FailureKind;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer snapshot ...}: snapshots are volumes that began as the contents of another. */
@Command(
        name = "snapshot",
        description = "Takes, lists, deletes and goes back to snapshots of a running pool's volumes.",
        footer = {"", "Example:", "  gossamer snapshot create -p DIR vol0 before-upgrade"})
final class SnapshotCommand extends CommandGroup {
    @Command(
            description = {
                "Takes a snapshot of a volume or snapshot at this instant, also while it is being written.",
                "It is a volume of its own, exported under its own name, and shares space until one of the two "
                        + "is written."
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
            description = {
                "Takes snapshots of several volumes at one instant: all of them, or none.",
                "No write is in one of them that came after a write which is missing in another."
            },
            footer = {"", "Example:", "  gossamer snapshot group -p DIR data=data-monday log=log-monday --read-only"})
    void group(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(arity = "1..*", paramLabel = "VOLUME=NAME", description = "What to snapshot, and as what.")
                    List<String> snapshots,
            @Option(names = "--read-only", description = "Refuse writes to the snapshots.") boolean readOnly)
            throws CommandFailed {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("readOnly", readOnly);
        ArrayNode wanted = body.putArray("snapshots");
        for (String each : snapshots) {
            int equals = each.indexOf('=');
            if (equals < 0) {
                throw wrongUsage("'" + each + "' is not VOLUME=NAME");
            }
            wanted.addObject().put("origin", each.substring(0, equals)).put("name", each.substring(equals + 1));
        }
        String answer = pool.ask("POST", "/v1/snapshots", body);
        println(output.isJson() ? answer : "took " + String.join(", ", snapshots) + " at one instant");
    }

    @Command(
            description = {
                "Gives a volume the contents and the size that a snapshot of it has now, at once, whatever their size.",
                "What it held until now is kept as another snapshot. Nobody may be connected to the volume."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer snapshot rollback -p DIR vol0 before-upgrade",
                "  gossamer snapshot rollback -p DIR vol0 before-upgrade --keep-as failed-upgrade --force"
            })
    void rollback(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(index = "0", paramLabel = "VOLUME", description = "What to roll back.") String volume,
            @Parameters(index = "1", paramLabel = "SNAPSHOT", description = "What it shall hold.") String snapshot,
            @Option(
                            names = "--keep-as",
                            paramLabel = "NAME",
                            description = "Name for the snapshot of what it held. Default: VOLUME-replaced-1, or a "
                                    + "higher number.")
                    String keepAs,
            @Mixin ForceOption force,
            @Mixin DryRunOption dryRun)
            throws CommandFailed {
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).rollback(volume, snapshot));
            return;
        }
        ObjectNode body =
                JsonNodeFactory.instance.objectNode().put("to", snapshot).put("force", force.isGiven());
        if (keepAs != null) {
            body.put("keepAs", keepAs);
        }
        String answer = pool.ask("POST", "/v1/volumes/" + PoolOption.segment(volume) + "/rollback", body);
        println(
                output.isJson()
                        ? answer
                        : "rolled " + volume + " back to " + snapshot + "; what it held is kept as "
                                + Output.text(pool.parse(answer), "name"));
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
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", description = "Snapshot.") String name,
            @Mixin ForceOption force,
            @Mixin DryRunOption dryRun)
            throws CommandFailed {
        String path = "/v1/volumes/" + PoolOption.segment(name);
        if (pool.parse(pool.ask("GET", path, null)).path("originId").isNull()) {
            throw new CommandFailed(
                    FailureKind.FAILED, name + " is no snapshot; to delete a volume: gossamer volume delete " + name);
        }
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).deletion(name));
            return;
        }
        pool.ask("DELETE", path + force.query(), null);
        output.done(spec(), "deleted", name);
    }
}
