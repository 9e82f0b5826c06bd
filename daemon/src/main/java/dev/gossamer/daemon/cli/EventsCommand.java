package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.admin.FailureKind;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer events}: what happens to a pool, and who changes what. */
@Command(
        name = "events",
        description = {
            "Prints what has happened to a running pool lately, and then what happens, a line each, until Ctrl-C.",
            "Told are changes of the pool's mode, space that becomes scarce, damage, and every change that somebody",
            "makes with a command or by the API."
        },
        footer = {"", "Examples:", "  gossamer events -p DIR", "  gossamer events -p DIR --past --json"})
final class EventsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Option(names = "--past", description = "End after what has happened already.")
    private boolean past;

    private PrintWriter out;
    private String kind = "";
    private String end;

    @Override
    public Integer call() throws CommandFailed {
        out = spec.commandLine().getOut();
        // A mistake in what the daemon says must come out of the loop that reads it.
        CommandFailed[] mistake = new CommandFailed[1];
        pool.follow("/v1/events?status=false", line -> {
            try {
                return take(line);
            } catch (CommandFailed e) {
                mistake[0] = e;
                return false;
            }
        });
        if (mistake[0] != null) {
            throw mistake[0];
        }
        if (past && kind.equals("now")) {
            return 0;
        }
        if (out.checkError()) {
            return 0; // nobody reads on, which is this command's end as much as Ctrl-C
        }
        throw new CommandFailed(
                FailureKind.NO_DAEMON, end == null ? "the daemon has ended, and the events with it" : end);
    }

    /** A line of the stream: what kind the next event is, or the event. */
    private boolean take(String line) throws CommandFailed {
        if (line.startsWith("event: ")) {
            kind = line.substring("event: ".length());
            return !(past && kind.equals("now")) && !out.checkError();
        }
        if (line.startsWith("data: ")) {
            event(pool.parse(line.substring("data: ".length())));
        }
        return !out.checkError();
    }

    private void event(JsonNode event) {
        switch (kind) {
            case "pool", "change" -> print(event);
            case "missed" -> print(((ObjectNode) event)
                    .put("kind", kind)
                    .put("text", event.path("count").asLong() + " events were more than could be kept"));
            case "end" -> end = event.path("why").asText();
            default -> {
                return; // of a later version
            }
        }
    }

    private void print(JsonNode event) {
        out.println(
                output.isJson()
                        ? event.toString()
                        : Output.text(event, "at") + "  "
                                + event.path("kind").asText().replace('_', '-') + "  "
                                + event.path("text").asText());
        out.flush();
    }
}
