package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.admin.FailureKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A pool's condition as monitoring programs want it: a word, one line, an exit code. Numbers follow behind a bar, in
 * the form of the Monitoring Plugins project.
 */
record StatusCheck(int exitCode, String line) {
    private static final String[] WORDS = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    static final int WARNING = 1;
    static final int CRITICAL = 2;
    static final int UNKNOWN = 3;

    /** Of {@code /v1/status}. */
    static StatusCheck of(JsonNode status) {
        List<String> critical = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        String mode = status.path("mode").asText();
        if (!mode.equals("rw")) {
            critical.add("mode " + mode + " " + status.path("modeCause").asText());
        }
        if (!status.path("poolAnswers").asBoolean(true)) {
            critical.add("the pool does not answer");
        }
        if (status.path("requestsWaitingForSpace").asInt() > 0) {
            critical.add(status.path("requestsWaitingForSpace").asText() + " writes wait for space");
        }
        for (JsonNode device : status.path("remoteDevices")) {
            if (device.path("stalledSeconds").asDouble() > 0) {
                critical.add(device.path("name").asText() + " does not answer");
            }
        }
        status.path("stalledDevices")
                .forEach(device -> critical.add(device.path("name").asText() + " does not answer"));
        if (status.path("metadataLow").asBoolean()) {
            critical.add("metadata space is low");
        }
        if (status.path("dataLow").asBoolean()) {
            warnings.add("data space is low");
        }
        if (status.path("needsCheck").asBoolean()) {
            warnings.add("metadata should be checked");
        }
        int code = !critical.isEmpty() ? CRITICAL : !warnings.isEmpty() ? WARNING : 0;
        critical.addAll(warnings);
        String facts = "data " + share(status, "data") + ", metadata " + share(status, "metadata");
        String numbers = numbers(status, "data") + " " + numbers(status, "metadata") + " connections="
                + status.path("connections").asText();
        return new StatusCheck(
                code,
                text(code, critical.isEmpty() ? facts : String.join("; ", critical) + "; " + facts) + " | " + numbers);
    }

    /** Of what could not be asked. */
    static StatusCheck of(CommandFailed failure) {
        int code = failure.kind() == FailureKind.NO_DAEMON ? CRITICAL : UNKNOWN;
        return new StatusCheck(code, text(code, failure.getMessage()));
    }

    private static String text(int code, String what) {
        return "GOSSAMER " + WORDS[code] + " - " + what;
    }

    private static String share(JsonNode status, String what) {
        double total = Math.max(1, status.path(what + "Bytes").asDouble());
        return String.format(
                Locale.ROOT, "%.1f%%", 100 * status.path(what + "UsedBytes").asDouble() / total);
    }

    private static String numbers(JsonNode status, String what) {
        return what + "=" + status.path(what + "UsedBytes").asLong() + "B;;;0;"
                + status.path(what + "Bytes").asLong();
    }
}
