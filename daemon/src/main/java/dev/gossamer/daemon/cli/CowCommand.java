package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer cow ...}: classic copy-on-write snapshots of devices outside the pool. */
@Command(
        name = "cow",
        description = {
            "Classic copy-on-write snapshots of a disk, file or NBD export outside the pool, in dm-snapshot's format.",
            "An origin is exported as NAME, its snapshots as NAME@SNAP. THE ORIGIN MUST BE USED THROUGH GOSSAMER ONLY:",
            "what is written to its device in any other way destroys its snapshots. A device that is mounted or "
                    + "held by",
            "another program is refused."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer cow create -p DIR disk --origin /dev/sdb      then use nbd+unix:///disk?socket=DIR/nbd.sock",
            "  gossamer cow create -p DIR disk@monday                 its store is a volume of the pool, and grows",
            "  gossamer cow merge -p DIR disk@monday                  puts the origin back to Monday"
        })
final class CowCommand extends CommandGroup {
    private static final String COLLECTION = "/v1/cow";

    /** What only a snapshot has. */
    static final class StoreOptions {
        @Option(
                names = "--store",
                paramLabel = "PATH-OR-URI",
                description = "Where changed chunks go; its first 4k must be zeros. Default: a volume of the pool "
                        + "that grows.")
        private String store;

        @Option(
                names = "--chunk-size",
                paramLabel = "SIZE",
                converter = ByteSize.class,
                description = "Unit of copying, a power of two. Default: 16k.")
        private Long chunkBytes;

        @Option(names = "--transient", description = "Ends with the daemon; writes no metadata.")
        private boolean isTransient;

        @Option(
                names = "--overflow",
                description = "A write to the snapshot that finds no room leaves it readable, instead of lost.")
        private boolean overflow;

        @Option(
                names = "--on-full",
                paramLabel = "WHAT",
                description =
                        "When the store is full, writes to the origin go on and the snapshot is lost (invalidate, "
                                + "default), or fail and it is kept (fail-writes).")
        private String onFull;

        boolean isEmpty() {
            return store == null && chunkBytes == null && !isTransient && !overflow && onFull == null;
        }
    }

    @Command(
            description = {
                "Makes an origin (NAME, with --origin) or a snapshot of one (NAME@SNAP); NAME@SNAP --origin "
                        + "makes both.",
                "The origin must be used through Gossamer only, from then on."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer cow create -p DIR disk --origin /dev/sdb",
                "  gossamer cow create -p DIR disk --origin nbd://storage.example.org/disk7",
                "  gossamer cow create -p DIR disk@monday",
                "  gossamer cow create -p DIR disk@monday --store /dev/sdc --chunk-size 32k",
                "  gossamer cow create -p DIR disk@try --transient",
                "  gossamer cow create -p DIR disk@monday --origin disk.img --store monday.cow"
            })
    void create(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME[@SNAP]", description = "Name of the export.") String name,
            @Option(
                            names = "--origin",
                            paramLabel = "PATH-OR-URI",
                            description = "The origin's device: a block device, a file or an NBD export.")
                    String origin,
            @Mixin StoreOptions options)
            throws CommandFailed {
        boolean ofSnapshot = name.indexOf('@') >= 0;
        if (!ofSnapshot && !options.isEmpty()) {
            throw wrongUsage("'" + name + "' would be an origin, and has no store; write NAME@SNAP");
        }
        if (options.isTransient && options.overflow) {
            throw wrongUsage("give --transient or --overflow, not both");
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("name", name);
        put(body, "origin", DeviceName.absolute(origin));
        put(body, "store", DeviceName.absolute(options.store));
        put(body, "onFull", options.onFull);
        if (options.chunkBytes != null) {
            body.put("chunkBytes", options.chunkBytes);
        }
        if (options.isTransient || options.overflow) {
            body.put("type", options.isTransient ? "transient" : "persistent-overflow");
        }
        String answer = pool.ask("POST", COLLECTION, body);
        if (output.isJson()) {
            println(answer);
            return;
        }
        JsonNode made = pool.parse(answer);
        println("created " + name + ", " + Output.size(made, "sizeBytes")
                + (ofSnapshot
                        ? ", chunks of " + Output.size(made, "chunkBytes")
                        : "; use its device through this export only"));
    }

    private static void put(ObjectNode body, String field, String value) {
        if (value != null) {
            body.put(field, value);
        }
    }

    @Command(
            description = "Lists origins and their snapshots.",
            footer = {"", "Example:", "  gossamer cow list -p DIR --json"})
    void list(@Mixin PoolOption pool, @Mixin Output output) throws CommandFailed {
        String answer = pool.ask("GET", COLLECTION, null);
        println(output.isJson() ? answer : CowTables.list(pool.parse(answer)));
    }

    @Command(
            description = {
                "Shows one origin or snapshot, or all. The kernel's words are those of 'dmsetup status': "
                        + "sectors in use and in",
                "all of the store, and sectors of its metadata; or Invalid, Overflow, Merge failed."
            },
            footer = {"", "Examples:", "  gossamer cow status -p DIR", "  gossamer cow status -p DIR disk@monday --json"
            })
    void status(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(arity = "0..1", paramLabel = "NAME[@SNAP]", description = "Default: all.") String name)
            throws CommandFailed {
        String answer = pool.ask("GET", name == null ? COLLECTION : path(name), null);
        println(output.isJson() ? answer : CowTables.status(pool.parse(answer)));
    }

    @Command(
            description = {
                "Gives up a snapshot and what is in its store; or stops serving an origin without snapshots, "
                        + "whose device",
                "stays as it is. Nobody may be connected to it."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer cow delete -p DIR disk@monday",
                "  gossamer cow delete -p DIR disk --force"
            })
    void delete(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME[@SNAP]", description = "Origin or snapshot.") String name,
            @Mixin ForceOption force,
            @Mixin DryRunOption dryRun)
            throws CommandFailed {
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).classic("delete", name));
            return;
        }
        pool.ask("DELETE", path(name) + force.query(), null);
        output.done(spec(), "deleted", name);
    }

    @Command(
            description = {
                "Brings a snapshot's contents back into its origin; then the snapshot is gone. Nobody may be "
                        + "connected to",
                "either when it begins. The origin can be used again at once and shows the snapshot's contents "
                        + "from then on.",
                "A merge goes on after a restart of the daemon."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer cow merge -p DIR disk@monday",
                "  gossamer cow merge -p DIR disk@monday --force --no-wait"
            })
    void merge(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "NAME@SNAP", description = "Snapshot.") String name,
            @Mixin ForceOption force,
            @Mixin DryRunOption dryRun,
            @Option(
                            names = "--no-wait",
                            description = "Return once the merge has begun; 'cow status' shows its progress.")
                    boolean noWait)
            throws CommandFailed {
        if (dryRun.isGiven()) {
            output.preview(spec(), new Preview(pool).classic("merge", name));
            return;
        }
        JsonNode body = JsonNodeFactory.instance.objectNode().put("force", force.isGiven());
        JsonNode begun = pool.parse(pool.ask("POST", path(name) + "/merge", body));
        if (noWait) {
            output.done(spec(), "merging", name);
            return;
        }
        new MergeProgress(pool, path(name), spec().commandLine().getErr(), JobProgress.isTerminal()).follow(begun);
        output.done(spec(), "merged", name);
    }

    private static String path(String name) {
        return COLLECTION + "/" + PoolOption.segment(name);
    }
}
