package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** {@code --background}: how a command that starts a job goes on. */
final class JobWait {
    @Option(
            names = "--background",
            description = "Do not wait until it is done; 'gossamer job list' shows how far it is.")
    private boolean background;

    /** Starts a job, waits for its end if that is wanted, and prints what came of it. */
    void run(CommandSpec spec, PoolOption pool, Output output, String path, JsonNode body) throws CommandFailed {
        JsonNode job = pool.parse(pool.ask("POST", path, body));
        if (!background) {
            boolean shown = JobProgress.isTerminal() && !output.isJson();
            job = new JobProgress(pool, spec.commandLine().getErr(), shown).follow(job);
        }
        String text = background
                ? "started job " + job.path("id").asText()
                : job.path("message").asText();
        Output.print(spec, output.isJson() ? job.toPrettyString() : text);
    }
}
