package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.attach.Attacher;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.VolumeSpec;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer volume ...}: volumes of a pool that is being served. */
@Command(
        name = "volume",
        description = "Makes, shows, changes and deletes volumes of a running pool.",
        footer = {"", "Example:", "  gossamer volume create -p DIR vol1 --size 100G"})
final class VolumeCommand extends CommandGroup {
    private static final String COLLECTION = "/v1/volumes";

    @Command(
            description = {
                "Makes an empty volume. It takes space only where it is written.",
                "With --origin it shows a file, device or NBD export where it is not written; that must never change."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer volume create -p DIR vol1 --size 100G",
                "  gossamer volume create -p DIR db --size 50G --thick",
                "  gossamer volume create -p DIR vm1 --size 20G --origin golden.img",
                "  gossamer volume create -p DIR vm2 --size 20G --origin nbd://images.example.org/golden"
            })
    void create(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", description = "Name, also of the NBD export.") String name,
            @Option(
                            names = {"-s", "--size"},
                            required = true,
                            paramLabel = "SIZE",
                            converter = ByteSize.class,
                            description = "Size, a multiple of 512 bytes, for example 100G.")
                    long size,
            @Option(
                            names = "--origin",
                            paramLabel = "PATH-OR-URI",
                            description = "What shows through until it is overwritten. Only ever read.")
                    String origin,
            @Mixin PromiseOptions promise,
            @Option(names = "--force", description = "Also if sizes come to more than 1000 times what the pool has.")
                    boolean force)
            throws CommandFailed {
        ObjectNode body =
                JsonNodeFactory.instance.objectNode().put("name", name).put("sizeBytes", size);
        promise.addTo(body);
        if (force) {
            body.put("force", true);
        }
        if (origin != null) {
            body.put("externalOrigin", DeviceName.absolute(origin));
        }
        printOne(pool, output, "created", pool.ask("POST", COLLECTION, body));
    }

    @Command(
            name = "clone",
            description = {
                "Makes a writable volume with the contents and size that another has at this instant, at once,",
                "whatever its size. The two share space until one of them is written: a snapshot, for use.",
                "With --independent a job then copies what is shared, while both are used. What a metadata snapshot",
                "has of the volume counts as shared: it is copied, and its old blocks are free when that is released."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer volume clone -p DIR golden vm1",
                "  gossamer volume clone -p DIR golden vm1 --independent"
            })
    void cloneVolume(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Mixin JobWait wait,
            @Option(
                            names = "--independent",
                            description = "Give it blocks of its own: a full copy, usable from the start.")
                    boolean independent,
            @Option(names = "--force", description = "Also if sizes come to more than 1000 times what the pool has.")
                    boolean force,
            @Parameters(index = "0", paramLabel = "SOURCE", description = "Volume or snapshot.") String source,
            @Parameters(index = "1", paramLabel = "NAME", description = "Name of the new volume.") String name)
            throws CommandFailed {
        JsonNode body = JsonNodeFactory.instance
                .objectNode()
                .put("name", name)
                .put("readOnly", false)
                .put("force", force);
        if (independent) {
            checkRoomForCopy(pool, source);
        }
        String created = pool.ask("POST", path(source) + "/snapshots", body);
        if (independent) {
            wait.run(spec(), pool, output, path(name) + "/independent", null);
        } else {
            printOne(pool, output, "created", created);
        }
    }

    /** Before there is a clone: what the job would refuse later would leave one that shares. */
    private static void checkRoomForCopy(PoolOption pool, String source) throws CommandFailed {
        long needed = pool.parse(pool.ask("GET", path(source), null))
                .path("mappedBytes")
                .asLong();
        JsonNode status = pool.parse(pool.ask("GET", "/v1/status", null));
        long free = status.path("dataFreeBytes").asLong()
                - status.path("dataReservedBytes").asLong();
        if (needed > free) {
            throw new CommandFailed(
                    FailureKind.FULL,
                    "a copy of " + source + " takes " + needed + " bytes, and " + Math.max(0, free)
                            + " are free and not reserved; grow the pool, trim or delete volumes");
        }
    }

    @Command(
            description = {
                "Takes a volume off its external origin, while it is used: a job copies what shows through from it,",
                "then the origin is needed no more. Snapshots that were taken before stay over it.",
                "TRIM of what is over the origin has no effect meanwhile."
            },
            footer = {"", "Example:", "  gossamer volume detach -p DIR vm1"})
    void detach(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Mixin JobWait wait,
            @Parameters(paramLabel = "NAME", description = "Volume over an external origin.") String name)
            throws CommandFailed {
        wait.run(spec(), pool, output, path(name) + "/detach", null);
    }

    @Command(
            description = {
                "Changes what a volume may take of the pool's space, and what its clients may do in a second.",
                "Writes beyond its limit of mapped space get ENOSPC. A reserve is a promise: space that other",
                "volumes cannot have, whatever snapshots are taken.",
                "Rates count what all clients of the volume do together; what is beyond waits. FLUSH is not counted."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer volume set -p DIR web --limit 10G --reserve 2G",
                "  gossamer volume set -p DIR web --on-full error",
                "  gossamer volume set -p DIR web --iops 2000 --write-bandwidth 50M --burst 2s"
            })
    void set(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", description = "Volume or snapshot.") String name,
            @Option(
                            names = "--limit",
                            paramLabel = "SIZE",
                            converter = ByteSize.class,
                            description = "Most that may be mapped; 0 = no limit.")
                    Long limit,
            @Mixin PromiseOptions promise,
            @Option(
                            names = "--on-full",
                            paramLabel = "POLICY",
                            description =
                                    "When the pool is full, writes wait (queue), get ENOSPC at once (error), or do as"
                                            + " pool.yaml says (pool).")
                    String onFull,
            @Mixin RateOptions rates)
            throws CommandFailed {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        if (limit != null) {
            body.put("limitBytes", limit);
        }
        promise.addTo(body);
        if (onFull != null) {
            body.put("onFull", onFull);
        }
        ObjectNode perSecond = rates.body();
        if (body.isEmpty() && perSecond.isEmpty()) {
            throw wrongUsage("give --limit, --reserve, --thick, --critical, --on-full, --on-full-timeout or a rate, as"
                    + " --iops");
        }
        String changed = body.isEmpty() ? null : pool.ask("PATCH", path(name) + "/limits", body);
        changed = perSecond.isEmpty() ? changed : pool.ask("PATCH", path(name) + "/rates", perSecond);
        printOne(pool, output, "changed", changed);
    }

    @Command(
            description = "Lists all volumes, snapshots included.",
            footer = {"", "Examples:", "  gossamer volume list -p DIR", "  gossamer volume list --json | jq '.[].name'"
            })
    void list(@Mixin PoolOption pool, @Mixin Output output) throws CommandFailed {
        String answer = pool.ask("GET", COLLECTION, null);
        if (output.isJson()) {
            println(answer);
        } else {
            JsonNode volumes = pool.parse(answer);
            println(Output.volumeTable(volumes, volumes));
        }
    }

    @Command(
            description = "Shows one volume.",
            footer = {"", "Example:", "  gossamer volume show -p DIR vol0 --json"})
    void show(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", description = "Volume or snapshot.") String name,
            @Option(
                            names = "--space",
                            description =
                                    "Also count what it has for itself, and in how many pieces it lies on the device.")
                    boolean space)
            throws CommandFailed {
        String answer = pool.ask("GET", path(name), null);
        if (space) {
            ObjectNode all = (ObjectNode) pool.parse(answer);
            all.setAll((ObjectNode) pool.parse(pool.ask("GET", path(name) + "/space", null)));
            answer = all.toPrettyString();
        }
        if (output.isJson()) {
            println(answer);
            return;
        }
        JsonNode volume = pool.parse(answer);
        TextTable table = new TextTable("FIELD", "VALUE");
        table.row("name", Output.text(volume, "name"));
        table.row("id", Output.text(volume, "id"));
        table.row("uuid", Output.text(volume, "uuid"));
        table.row("size", Output.size(volume, "sizeBytes"));
        table.row("mapped", Output.size(volume, "mappedBytes"));
        if (space) {
            table.row("exclusive", Output.size(volume, "exclusiveBytes") + ", freed if deleted");
            table.row("shared", Output.size(volume, "sharedBytes"));
            table.row("pieces", Output.text(volume, "runs") + ", " + Output.text(volume, "leastRuns") + " at best");
        }
        table.row("limit", limit(volume, "limitBytes"));
        table.row("own", Output.own(volume) + ", written since its last snapshot");
        table.row("reserve", PromiseOptions.text(volume));
        table.row("when full", PromiseOptions.whenFull(volume));
        table.row("rates", RateOptions.text(volume));
        table.row("access", volume.path("readOnly").asBoolean() ? "read-only" : "read-write");
        table.row("origin id", Output.text(volume, "originId"));
        if (volume.hasNonNull("externalOrigin")) {
            table.row("external origin", Output.text(volume, "externalOrigin"));
        }
        if (volume.hasNonNull("externalOriginFailure")) {
            table.row("origin fails", Output.text(volume, "externalOriginFailure"));
        }
        if (volume.hasNonNull("damage")) {
            table.row("damaged", Output.text(volume, "damage"));
        }
        table.row("created", Output.text(volume, "createdAt"));
        table.row("connections", Output.text(volume, "connections"));
        println(table.render());
    }

    @Command(
            description = {
                "Gives a volume another size. A device that is attached here has it at once, other clients when they",
                "connect again; those that are connected may use a new range at once, which reads as zeros. Making a"
                        + " volume smaller gives up what is behind its new",
                "end, which the command says before; a volume that somebody is connected to shrinks with --force only."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer volume resize -p DIR vol0 --size 200G",
                "  gossamer volume resize -p DIR vol0 --size +10G"
            })
    void resize(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", description = "Volume.") String name,
            @Option(
                            names = {"-s", "--size"},
                            required = true,
                            paramLabel = "SIZE",
                            converter = SizeChange.Converter.class,
                            description = "New size, a multiple of 512 bytes; or how much more, as in +10G.")
                    SizeChange change,
            @Option(
                            names = "--force",
                            description = "Shrink it under its clients: their requests beyond the new end fail.")
                    boolean force,
            @Option(
                            names = "--resize-fs",
                            description = "Then grow the file system on the device that is attached here: ext4 or XFS.")
                    boolean resizeFs,
            @Mixin DryRunOption dryRun)
            throws CommandFailed, StorageException {
        JsonNode present = pool.parse(pool.ask("GET", path(name), null));
        long size = change.from(present.path("sizeBytes").asLong());
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).resize(name, size));
            return;
        }
        JsonNode body =
                JsonNodeFactory.instance.objectNode().put("sizeBytes", size).put("force", force);
        sayWhatIsLost(present, size);
        printOne(pool, output, "resized", pool.ask("PATCH", path(name), body));
        Attacher.grow(
                pool.exportUri(name),
                resizeFs && size > present.path("sizeBytes").asLong());
    }

    private void sayWhatIsLost(JsonNode volume, long newBytes) throws StorageException {
        VolumeSpec.checkSize(newBytes); // else nothing is lost
        if (newBytes < volume.path("sizeBytes").asLong()) {
            spec().commandLine()
                    .getErr()
                    .println("gossamer: with this size all behind byte " + newBytes + " of "
                            + volume.path("name").asText() + " is given up, of "
                            + Output.size(volume, "mappedBytes") + " that are stored in all of it");
        }
    }

    @Command(
            description = "Gives a volume another name. Open connections stay.",
            footer = {"", "Example:", "  gossamer volume rename -p DIR vol0 database"})
    void rename(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(index = "0", paramLabel = "NAME", description = "Volume.") String name,
            @Parameters(index = "1", paramLabel = "NEW-NAME", description = "A name that no volume has.")
                    String newName)
            throws CommandFailed {
        JsonNode body = JsonNodeFactory.instance.objectNode().put("name", newName);
        printOne(pool, output, "renamed", pool.ask("PATCH", path(name), body));
    }

    @Command(
            description = {
                "Deletes volumes that nobody is connected to, one after the other. Snapshots of them stay whole.",
                "With --dry-run it says exactly what all of them together would free, and who has the rest."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer volume delete -p DIR vol1 vol1-monday vol1-tuesday --dry-run",
                "  gossamer volume delete -p DIR vol1 --dry-run",
                "  gossamer volume delete -p DIR vol1 --force"
            })
    void delete(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME", arity = "1..*", description = "Volumes or snapshots.") List<String> names,
            @Mixin ForceOption force,
            @Mixin DryRunOption dryRun)
            throws CommandFailed {
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).deletion(names));
            return;
        }
        for (String name : names) {
            pool.ask("DELETE", path(name) + force.query(), null);
            output.done(spec(), "deleted", name);
        }
    }

    private void printOne(PoolOption pool, Output output, String done, String answer) throws CommandFailed {
        if (output.isJson()) {
            println(answer);
        } else {
            JsonNode volume = pool.parse(answer);
            println(done + " " + volume.path("name").asText() + ", " + Output.size(volume, "sizeBytes"));
        }
    }

    private static String limit(JsonNode volume, String field) {
        return volume.path(field).asLong() == 0 ? "none" : Output.size(volume, field);
    }

    private static String path(String name) {
        return COLLECTION + "/" + PoolOption.segment(name);
    }
}
