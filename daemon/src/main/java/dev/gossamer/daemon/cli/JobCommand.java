package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code gossamer job ...}: what runs long in the background of a pool that is being served. */
@Command(
        name = "job",
        description = {
            "Lists, pauses, resumes and cancels what runs long in the background of a running pool.",
            "Jobs end with the daemon; what they have done by then stays, and the pool is sound. Those that were",
            "interrupted, by a crash as well, are listed once it runs again.",
            "They rest longer while clients are slower than usual."
        },
        footer = {"", "Example:", "  gossamer job list -p DIR"})
final class JobCommand extends CommandGroup {
    private static final String COLLECTION = "/v1/jobs";

    @Command(
            description = "Lists the jobs under way, and the latest that are over.",
            footer = {"", "Example:", "  gossamer job list -p DIR"})
    void list(@Mixin PoolOption pool, @Mixin Output output) throws CommandFailed {
        String answer = pool.ask("GET", COLLECTION, null);
        if (output.isJson()) {
            println(answer);
            return;
        }
        TextTable table = new TextTable(">ID", "KIND", "STATE", "PROGRESS", "WHAT", "MESSAGE");
        for (JsonNode job : pool.parse(answer)) {
            table.row(
                    job.path("id").asText(),
                    job.path("kind").asText(),
                    job.path("state").asText(),
                    JobProgress.share(job) + JobProgress.timeLeft(job),
                    job.path("what").asText(),
                    Output.text(job, "message"));
        }
        println(table.render());
    }

    @Command(
            description = "Shows one job.",
            footer = {"", "Example:", "  gossamer job show -p DIR 3"})
    void show(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "ID", description = "Its number.") long id)
            throws CommandFailed {
        print(pool, output, pool.ask("GET", path(id), null));
    }

    @Command(
            description = "Lets a job rest until it is resumed. Nobody waits for it meanwhile.",
            footer = {"", "Example:", "  gossamer job pause -p DIR 3"})
    void pause(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "ID", description = "Its number.") long id)
            throws CommandFailed {
        print(pool, output, pool.ask("POST", path(id) + "/pause", null));
    }

    @Command(
            description = "Goes on with a paused job.",
            footer = {"", "Example:", "  gossamer job resume -p DIR 3"})
    void resume(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "ID", description = "Its number.") long id)
            throws CommandFailed {
        print(pool, output, pool.ask("POST", path(id) + "/resume", null));
    }

    @Command(
            description = "Ends a job after the step it is at. What it has done stays.",
            footer = {"", "Example:", "  gossamer job cancel -p DIR 3"})
    void cancel(
            @Mixin PoolOption pool,
            @Mixin Output output,
            @Parameters(paramLabel = "ID", description = "Its number.") long id)
            throws CommandFailed {
        print(pool, output, pool.ask("POST", path(id) + "/cancel", null));
    }

    private void print(PoolOption pool, Output output, String answer) throws CommandFailed {
        if (output.isJson()) {
            println(answer);
            return;
        }
        JsonNode job = pool.parse(answer);
        TextTable table = new TextTable("FIELD", "VALUE");
        for (String field : new String[] {"id", "kind", "what", "state"}) {
            table.row(field, job.path(field).asText());
        }
        table.row("progress", JobProgress.share(job) + JobProgress.timeLeft(job));
        table.row("started", Output.text(job, "startedAt"));
        table.row("message", Output.text(job, "message"));
        for (JsonNode range : job.path("lost")) {
            table.row(
                    "lost",
                    range.path("volume").asText() + ":"
                            + range.path("offsetBytes").asText() + "+"
                            + range.path("lengthBytes").asText());
        }
        println(table.render());
    }

    private static String path(long id) {
        return COLLECTION + "/" + id;
    }
}
