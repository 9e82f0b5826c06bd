package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.Option;

/** What is promised to a volume of the pool's space, and what becomes of its writes when there is none. */
final class PromiseOptions {
    @Option(
            names = "--reserve",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Space of its own that is promised: other volumes cannot have it, and a snapshot after which"
                    + " there would not be enough is refused. 0 = none.")
    private Long reserve;

    @Option(
            names = "--thick",
            negatable = true,
            description = "All of its size is promised, whatever size it gets: no write of it meets a full pool.")
    private Boolean thick;

    @Option(
            names = "--critical",
            negatable = true,
            description = "It may take what emergency-reserve of pool.yaml keeps back from others.")
    private Boolean critical;

    @Option(
            names = "--on-full-timeout",
            paramLabel = "SECONDS",
            description = "How long its writes wait for space when the pool is full; 0 = as pool.yaml says.")
    private Integer onFullSeconds;

    /** Adds what is given. */
    void addTo(ObjectNode body) {
        if (reserve != null) {
            body.put("reserveBytes", reserve);
        }
        if (thick != null) {
            body.put("thick", thick);
        }
        if (critical != null) {
            body.put("critical", critical);
        }
        if (onFullSeconds != null) {
            body.put("onFullSeconds", onFullSeconds);
        }
    }

    /** What a volume has of it, for people. */
    static String text(JsonNode volume) {
        String promised = volume.path("thick").asBoolean()
                ? "thick, all of its size"
                : volume.path("reserveBytes").asLong() == 0 ? "none" : Output.size(volume, "reserveBytes");
        return promised + (volume.path("critical").asBoolean() ? "; critical" : "");
    }

    /** What becomes of its writes when the pool is full. */
    static String whenFull(JsonNode volume) {
        int seconds = volume.path("onFullSeconds").asInt();
        return Output.text(volume, "onFull") + (seconds == 0 ? "" : ", waiting " + seconds + " s");
    }
}
