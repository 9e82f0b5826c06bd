package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer defragment}. */
@Command(
        name = "defragment",
        description = {
            "Puts the blocks of a volume back into runs on the data device, while it is used. What it shares with",
            "snapshots stays shared. Says in how many runs it was and is; needs runs of free blocks to move to."
        },
        footer = {"", "Example:", "  gossamer defragment -p DIR vol0"})
final class DefragmentCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Mixin
    private JobWait wait;

    @Parameters(paramLabel = "VOLUME", description = "Volume or snapshot.")
    private String volume;

    @Override
    public Integer call() throws CommandFailed {
        wait.run(
                spec,
                pool,
                output,
                "/v1/defragment",
                JsonNodeFactory.instance.objectNode().put("volume", volume));
        return 0;
    }
}
