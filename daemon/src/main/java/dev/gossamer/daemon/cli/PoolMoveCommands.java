package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Those of {@code gossamer pool ...} that move data under living volumes. */
final class PoolMoveCommands {
    private PoolMoveCommands() {}

    /** {@code gossamer pool shrink}. */
    @Command(
            name = "shrink",
            description = {
                "Makes the data of a running pool smaller, while volumes are used: moves what is behind the new end,",
                "with all snapshots that share it, then cuts the file. A device is not used behind the new end.",
                "A cancelled or interrupted shrink has moved a part and changed nothing else; start it again."
            },
            footer = {"", "Example:", "  gossamer pool shrink -p DIR --data 50G"})
    static final class Shrink implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Mixin
        private JobWait wait;

        @Option(
                names = "--data",
                required = true,
                paramLabel = "SIZE",
                converter = ByteSize.class,
                description = "New size, rounded down to whole blocks.")
        private long data;

        @Override
        public Integer call() throws CommandFailed {
            JsonNode body = JsonNodeFactory.instance.objectNode().put("dataBytes", data);
            wait.run(spec, pool, output, "/v1/pool/shrink", body);
            return 0;
        }
    }

    /** {@code gossamer pool evacuate}. */
    @Command(
            name = "evacuate",
            description = {
                "Empties a part of the data device, while volumes are used: moves what is there, with all snapshots",
                "that share it. Nothing is allocated there until the daemon is started again.",
                "Fails if something cannot be read there, and tells which ranges of which volumes that is. With",
                "--accept-losses what cannot be read is given up, 4 KiB at a time, and is zeros from then on: the",
                "format cannot mark it. Each lost range is in the daemon's log and in 'job show'."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer pool evacuate -p DIR 10G+64M",
                "  gossamer pool evacuate -p DIR 10G+64M --accept-losses"
            })
    static final class Evacuate implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Mixin
        private JobWait wait;

        @Parameters(
                paramLabel = "OFFSET+LENGTH",
                converter = ByteRange.Converter.class,
                description = "Bytes of the data device; as far out as whole blocks reach.")
        private ByteRange range;

        @Option(
                names = "--accept-losses",
                description = "Give up what cannot be read there: it is lost, and zeros from then on.")
        private boolean acceptLosses;

        @Override
        public Integer call() throws CommandFailed {
            if (acceptLosses) {
                spec.commandLine()
                        .getErr()
                        .println("gossamer: what cannot be read of " + range.lengthBytes() + " bytes from "
                                + range.offsetBytes() + " on is lost, and zeros from then on");
            }
            wait.run(spec, pool, output, "/v1/pool/evacuate", body(range).put("acceptLosses", acceptLosses));
            return 0;
        }
    }

    /** {@code gossamer pool owners}. */
    @Command(
            name = "owners",
            description = "Tells which volumes have what is stored in a part of the data device of a running pool.",
            footer = {"", "Example:", "  gossamer pool owners -p DIR 10G+64M"})
    static final class Owners implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Parameters(
                paramLabel = "OFFSET+LENGTH",
                converter = ByteRange.Converter.class,
                description = "Bytes of the data device; as far out as whole blocks reach.")
        private ByteRange range;

        @Override
        public Integer call() throws CommandFailed {
            String answer = pool.ask("POST", "/v1/pool/owners", body(range));
            if (output.isJson()) {
                Output.print(spec, answer);
                return 0;
            }
            TextTable table = new TextTable(">DATA-OFFSET", ">LENGTH", "VOLUME", ">VOLUME-OFFSET");
            for (JsonNode run : pool.parse(answer)) {
                table.row(
                        run.path("dataOffset").asText(),
                        run.path("lengthBytes").asText(),
                        run.path("owner").asText(),
                        run.path("volumeOffset").asText());
            }
            Output.print(spec, table.render());
            return 0;
        }
    }

    private static ObjectNode body(ByteRange range) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("offsetBytes", range.offsetBytes())
                .put("lengthBytes", range.lengthBytes());
    }
}
