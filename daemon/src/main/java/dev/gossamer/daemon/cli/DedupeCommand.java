package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer dedupe}. */
@Command(
        name = "dedupe",
        description = {
            "Shares equal blocks of all volumes and snapshots of a running pool, while they are used. Reads all that",
            "is stored, remembers fingerprints, and compares every byte before two blocks become one."
        },
        footer = {"", "Examples:", "  gossamer dedupe -p DIR --dry-run", "  gossamer dedupe -p DIR --rate 50M"})
final class DedupeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Mixin
    private JobWait wait;

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
        wait.run(
                spec,
                pool,
                output,
                "/v1/dedupe",
                JsonNodeFactory.instance
                        .objectNode()
                        .put("dryRun", dryRun)
                        .put("bytesPerSecond", rate == null ? 0L : rate));
        return 0;
    }
}
