package dev.gossamer.daemon.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.log.LogForm;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code pool.yaml} says of how the pool is served; every key may be missing. What the command line says wins.
 *
 * <pre>
 *  listen: [tcp:10809]                   besides the directory's own socket
 *  allow-remote: false                   whether other machines may reach an address
 *  tls: {mode: require, certificates: PKI, verify-client: true}
 *  default-export: vol0                  for clients that name none
 *  metrics: tcp:9911                     /metrics and /healthz over TCP (OP-32)
 *  volume-metrics: top 1000              or off, all (OP-31)
 *  slow-request: 1s                      longer ones are logged; 0s = none (OP-36)
 *  over-commit: 10                       how many times the data may be promised, for whoever asks (OP-21)
 *  log: json                             the log's lines; text if missing (OP-35)
 * </pre>
 *
 * @param tls its directory as written: absolute, or relative to the pool's
 * @param defaultExport empty = the only export, if there is one
 * @param metrics null = not over TCP
 * @param volumeMetrics how many volumes have series of their own, those with most mapped first
 * @param slowRequest zero = none is logged
 */
public record ServiceConfig(
        List<ListenAddress> listen,
        boolean allowRemote,
        TlsSettings tls,
        String defaultExport,
        ListenAddress.Tcp metrics,
        int volumeMetrics,
        Duration slowRequest,
        int overCommit,
        LogForm log) {
    /** What holds for keys that are missing. */
    public static final ServiceConfig DEFAULT = new ServiceConfig(
            List.of(), false, TlsSettings.OFF, "", null, 1000, Duration.ofSeconds(1), 10, LogForm.TEXT);

    static final List<String> KEYS = List.of(
            "listen",
            "allow-remote",
            "tls",
            "default-export",
            "metrics",
            "volume-metrics",
            "slow-request",
            "over-commit",
            "log");

    private static final Pattern TOP = Pattern.compile("top ([1-9][0-9]{0,6})");

    public ServiceConfig {
        listen = List.copyOf(listen);
    }

    /** The same, with what was said on the command line. */
    public ServiceConfig with(List<ListenAddress> newListen, TlsSettings newTls, ListenAddress.Tcp newMetrics) {
        return new ServiceConfig(
                newListen, allowRemote, newTls, defaultExport, newMetrics, volumeMetrics, slowRequest, overCommit, log);
    }

    static ServiceConfig of(ObjectNode root) {
        JsonNode remote = root.path("allow-remote");
        if (!remote.isMissingNode() && !remote.isBoolean()) {
            throw new IllegalArgumentException("key 'allow-remote' must be true or false");
        }
        return new ServiceConfig(
                listen(root.path("listen")),
                remote.asBoolean(),
                root.has("tls") ? tls(root.path("tls")) : TlsSettings.OFF,
                text(root, "default-export", ""),
                root.has("metrics") ? metrics(text(root, "metrics", "")) : null,
                volumeMetrics(root.path("volume-metrics")),
                slowRequest(text(root, "slow-request", "1s")),
                overCommit(root.path("over-commit")),
                log(text(root, "log", "text")));
    }

    private static List<ListenAddress> listen(JsonNode list) {
        List<ListenAddress> addresses = new ArrayList<>();
        if (!list.isMissingNode() && !list.isArray()) {
            throw new IllegalArgumentException("key 'listen' must be a list of addresses, as in [tcp:10809]");
        }
        for (JsonNode address : list) {
            try {
                addresses.add(ListenAddress.parse(address.asText()));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("key 'listen': " + e.getMessage(), e);
            }
        }
        return addresses;
    }

    /** An address for {@code /metrics}; throws with a message for the user if {@code text} is none. */
    public static ListenAddress.Tcp metrics(String text) {
        if (ListenAddress.parse(text) instanceof ListenAddress.Tcp tcp) {
            return tcp;
        }
        throw new IllegalArgumentException(
                "'" + text + "' is no TCP address; write tcp:PORT (the pool's admin.sock has /metrics anyway)");
    }

    private static TlsSettings tls(JsonNode tls) {
        ConfigKeys.requireKnown(tls, "tls: ", List.of("mode", "certificates", "verify-client"));
        TlsOffer.Mode mode =
                switch (tls.path("mode").asText().toLowerCase(Locale.ROOT)) {
                    case "off", "false" -> TlsOffer.Mode.NONE; // YAML's word for no
                    case "offer" -> TlsOffer.Mode.OPTIONAL;
                    case "require" -> TlsOffer.Mode.REQUIRED;
                    default -> throw new IllegalArgumentException("tls: 'mode' must be off, offer or require");
                };
        if (mode == TlsOffer.Mode.NONE) {
            return TlsSettings.OFF;
        }
        JsonNode verify = tls.path("verify-client");
        if (!tls.path("certificates").isTextual() || (!verify.isMissingNode() && !verify.isBoolean())) {
            throw new IllegalArgumentException(
                    "tls: needs 'certificates', a directory; 'verify-client' must be true or false");
        }
        return new TlsSettings(mode, Path.of(tls.path("certificates").asText()), verify.asBoolean());
    }

    private static int volumeMetrics(JsonNode value) {
        String text = value.isMissingNode() ? "top " + DEFAULT.volumeMetrics : value.asText();
        Matcher top = TOP.matcher(text);
        if (top.matches()) {
            return Integer.parseInt(top.group(1));
        }
        return switch (text) {
            case "off", "false" -> 0; // YAML's word for no
            case "all" -> Integer.MAX_VALUE;
            default -> throw new IllegalArgumentException(
                    "key 'volume-metrics': '" + text + "' is none of off, all and, for example, top 1000");
        };
    }

    private static int overCommit(JsonNode ratio) {
        if (ratio.isMissingNode()) {
            return DEFAULT.overCommit;
        }
        if (!ratio.isInt() || ratio.intValue() < 1 || ratio.intValue() > 1000) {
            throw new IllegalArgumentException("key 'over-commit' must be a whole number from 1 to 1000");
        }
        return ratio.intValue();
    }

    private static LogForm log(String word) {
        for (LogForm form : LogForm.values()) {
            if (form.word().equals(word)) {
                return form;
            }
        }
        throw new IllegalArgumentException("key 'log' must be text or json");
    }

    private static Duration slowRequest(String text) {
        try {
            return Quantity.time(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("key 'slow-request': " + e.getMessage(), e);
        }
    }

    private static String text(ObjectNode root, String key, String otherwise) {
        JsonNode value = root.path(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if ((!value.isTextual() && !value.isIntegralNumber()) || value.asText().isBlank()) {
            throw new IllegalArgumentException("key '" + key + "' must be a text");
        }
        return value.asText();
    }

    /** The lines of pool.yaml that differ from the default. */
    String yaml() {
        StringBuilder lines = new StringBuilder();
        if (!listen.isEmpty()) {
            lines.append("listen:\n");
            listen.forEach(address -> lines.append("- ")
                    .append(PoolConfig.quote(address.toString()))
                    .append('\n'));
        }
        if (allowRemote) {
            lines.append("allow-remote: true\n");
        }
        if (tls.mode() != TlsOffer.Mode.NONE) {
            lines.append("tls:\n  mode: ").append(tls.mode() == TlsOffer.Mode.REQUIRED ? "require" : "offer");
            lines.append("\n  certificates: ")
                    .append(PoolConfig.quote(tls.directory().toString()));
            lines.append("\n  verify-client: ").append(tls.verifyClients()).append('\n');
        }
        if (!defaultExport.isEmpty()) {
            lines.append("default-export: ")
                    .append(PoolConfig.quote(defaultExport))
                    .append('\n');
        }
        if (metrics != null) {
            lines.append("metrics: ").append(metrics).append('\n');
        }
        if (volumeMetrics != DEFAULT.volumeMetrics) {
            String some = volumeMetrics == 0 ? "off" : "top " + volumeMetrics;
            lines.append("volume-metrics: ")
                    .append(volumeMetrics == Integer.MAX_VALUE ? "all" : some)
                    .append('\n');
        }
        if (!slowRequest.equals(DEFAULT.slowRequest)) {
            lines.append("slow-request: ").append(slowRequest.toSeconds()).append("s\n");
        }
        if (overCommit != DEFAULT.overCommit) {
            lines.append("over-commit: ").append(overCommit).append('\n');
        }
        if (log != DEFAULT.log) {
            lines.append("log: ").append(log.word()).append('\n');
        }
        return lines.toString();
    }
}
