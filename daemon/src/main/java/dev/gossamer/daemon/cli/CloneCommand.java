package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer clone}. */
@Command(
        name = "clone",
        description = {
            "Gives a range of a volume the data of a range of another one, or of itself, without copying: the two",
            "share blocks until one of them is written. Both may be in use. Ranges are of whole blocks of the pool.",
            "It goes on in steps, each as a whole; a crash leaves a part of the range done, from its start on."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer clone -p DIR vol0 vol1",
            "  gossamer clone -p DIR golden:0+2G vm1:10G",
            "  gossamer clone -p DIR db:0+256M db:1G --atomic"
        })
final class CloneCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Parameters(
            index = "0",
            paramLabel = "SOURCE[:OFFSET[+LENGTH]]",
            converter = VolumeRange.Converter.class,
            description = "Volume or snapshot to take from; all of it, or all from the offset on.")
    private VolumeRange source;

    @Parameters(
            index = "1",
            paramLabel = "DESTINATION[:OFFSET]",
            converter = VolumeRange.Converter.class,
            description = "Volume that gets it; what is there is replaced.")
    private VolumeRange destination;

    @Option(names = "--atomic", description = "All of it at once or nothing; for up to 8192 blocks of the pool.")
    private boolean atomic;

    @Mixin
    private JobWait wait;

    @Override
    public Integer call() throws CommandFailed {
        if (destination.lengthBytes() != null) {
            throw new ParameterException(spec.commandLine(), "the length belongs to the source: SOURCE:OFFSET+LENGTH");
        }
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put("source", source.name())
                .put("sourceOffset", source.offsetBytes())
                .put("destination", destination.name())
                .put("destinationOffset", destination.offsetBytes())
                .put("atomic", atomic);
        if (source.lengthBytes() != null) {
            body.put("lengthBytes", source.lengthBytes());
        }
        wait.run(spec, pool, output, "/v1/clone", body);
        return 0;
    }
}
