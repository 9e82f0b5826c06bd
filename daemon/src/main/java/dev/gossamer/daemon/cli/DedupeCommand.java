package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer dedupe}. */
@Command(
        name = "dedupe",
        description = {
            "Shares equal blocks of volumes and snapshots of a running pool, of all or of some, while they are used.",
            "Reads what is stored, remembers fingerprints, and compares every byte before two blocks become one.",
            "Takes an eighth of the daemon's heap for fingerprints, 216 MiB at most, and reads all again for those",
            "that do not fit: 10 TiB in 64 KiB blocks are read in 46 passes with a heap of 256 MiB, and in seven with",
            "1728 MiB or more.",
            "One at a time in a pool."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer dedupe -p DIR --dry-run",
            "  gossamer dedupe -p DIR --rate 50M",
            "  gossamer dedupe -p DIR vm1 vm2 vm3"
        })
final class DedupeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Mixin
    private JobWait wait;

    @Parameters(arity = "0..*", paramLabel = "VOLUME", description = "Look at these only; otherwise at all.")
    private List<String> volumes = List.of();

    @Option(names = "--dry-run", description = "Only count what looks equal; changes nothing.")
    private boolean dryRun;

    @Option(
            names = "--rate",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Read no more than that in a second.")
    private Long rate;

    @Override
    public Integer call() throws CommandFailed {
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put("dryRun", dryRun)
                .put("bytesPerSecond", rate == null ? 0L : rate);
        volumes.forEach(body.putArray("volumes")::add);
        wait.run(spec, pool, output, "/v1/dedupe", body);
        return 0;
    }
}
