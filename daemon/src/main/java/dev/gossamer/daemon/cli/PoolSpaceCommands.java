package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
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

/** Those of {@code gossamer pool ...} that ask a running daemon. */
final class PoolSpaceCommands {
    private PoolSpaceCommands() {}

    /** {@code gossamer pool grow}. */
    @Command(
            name = "grow",
            description = {
                "Makes a running pool larger; writes that wait for space go on. Files are extended, block "
                        + "devices must have",
                "been enlarged before. Without options both devices are used as large as they are now."
            },
            footer = {"", "Examples:", "  gossamer pool grow -p DIR --data 200G", "  gossamer pool grow -p DIR"})
    static final class Grow implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Option(
                names = "--data",
                paramLabel = "SIZE",
                converter = ByteSize.class,
                description = "New size of the data device; 0 takes the size that it has.")
        private Long data;

        @Option(
                names = "--metadata",
                paramLabel = "SIZE",
                converter = ByteSize.class,
                description = "New size of the metadata device, up to 15.88G; 0 takes the size that it has.")
        private Long metadata;

        @Override
        public Integer call() throws CommandFailed {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            boolean both = data == null && metadata == null;
            if (data != null || both) {
                body.put("dataBytes", both ? 0 : data);
            }
            if (metadata != null || both) {
                body.put("metadataBytes", both ? 0 : metadata);
            }
            String answer = pool.ask("POST", "/v1/pool/grow", body);
            JsonNode status = pool.parse(answer);
            Output.print(
                    spec,
                    output.isJson()
                            ? answer
                            : "the pool has " + Output.size(status, "dataBytes") + " of data, "
                                    + Output.size(status, "metadataBytes") + " of metadata");
            return 0;
        }
    }

    /** {@code gossamer pool transaction-id}. */
    @Command(
            name = "transaction-id",
            description = {
                "Shows or changes dm-thin's transaction id, a number that other programs, like LVM, keep in the pool.",
                "It is changed only if it is what you think it is."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer pool transaction-id -p DIR",
                "  gossamer pool transaction-id -p DIR --set 4 5"
            })
    static final class TransactionId implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Option(
                names = "--set",
                arity = "2",
                paramLabel = "NUMBER",
                description = "The present number, and the one it shall be.")
        private long[] change;

        @Override
        public Integer call() throws CommandFailed {
            if (change != null) {
                pool.ask(
                        "PUT",
                        "/v1/pool/transaction-id",
                        JsonNodeFactory.instance
                                .objectNode()
                                .put("expected", change[0])
                                .put("value", change[1]));
            }
            JsonNode status = pool.parse(pool.ask("GET", "/v1/status", null));
            long id = status.path("transactionId").asLong();
            Output.print(
                    spec,
                    output.isJson()
                            ? JsonNodeFactory.instance
                                    .objectNode()
                                    .put("transactionId", id)
                                    .toString()
                            : Long.toString(id));
            return 0;
        }
    }

    /** {@code gossamer pool metadata-snapshot}. */
    @Command(
            name = "metadata-snapshot",
            description = {
                "Keeps the mappings of this moment readable for tools (thin_dump -m, thin_delta -m) while the "
                        + "pool is used,",
                "until it is released. There is one at most; it keeps deleted space from being freed."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer pool metadata-snapshot reserve -p DIR",
                "  gossamer pool metadata-snapshot release -p DIR"
            })
    static final class MetadataSnapshot implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PoolOption pool;

        @Mixin
        private Output output;

        @Parameters(paramLabel = "reserve|release", description = "What to do.")
        private String what;

        @Override
        public Integer call() throws CommandFailed {
            String path = "/v1/pool/metadata-snapshot";
            switch (what) {
                case "reserve" -> {
                    String answer = pool.ask("POST", path, null);
                    Output.print(
                            spec,
                            output.isJson()
                                    ? answer
                                    : "reserved, at metadata block "
                                            + pool.parse(answer).path("block").asText());
                }
                case "release" -> {
                    pool.ask("DELETE", path, null);
                    output.done(spec, "released", "");
                }
                default -> throw new ParameterException(
                        spec.commandLine(), "'" + what + "' is neither reserve nor release");
            }
            return 0;
        }
    }
}
