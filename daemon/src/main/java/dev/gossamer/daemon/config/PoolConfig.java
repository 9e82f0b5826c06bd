package dev.gossamer.daemon.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.OnFull;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What {@code pool.yaml} says.
 *
 * @param metadata path of the metadata device or file, absolute or relative to the pool's directory; or the URI of an
 *     NBD export
 * @param data likewise, of the data device
 * @param buffered the data device is used through the page cache, not with O_DIRECT
 * @param devicePatience how long a request waits for the server of a remote data device before it fails; zero = for
 *     ever. The metadata device is always waited for: without it the pool would fail as a whole
 * @param space what happens when space runs low or out
 * @param allowPaths directories, devices and URIs that the daemon opens for others than its own user, as origins and
 *     stores, beside the pool's directory
 * @param service how it is served
 * @param origins of a pool of LVM's: where the external origins of its volumes are here, by their names there
 */
public record PoolConfig(
        String metadata,
        String data,
        boolean buffered,
        Duration devicePatience,
        SpaceConfig space,
        List<String> allowPaths,
        ServiceConfig service,
        Map<String, String> origins) {
    /** What initiators commonly wait before they call a disk dead, and enough for a server to restart. */
    public static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(30);

    /** A few keys need a few hundred bytes; more is another file. */
    private static final int FILE_LIMIT_BYTES = 64 << 10;

    private static final List<String> SPACE_KEYS = List.of(
            "on-full",
            "on-full-timeout",
            "low-water",
            "emergency-reserve",
            "auto-extend",
            "discard",
            "unmarked-catalog");
    static final List<String> KEYS = Stream.concat(
                    Stream.of("metadata", "data", "buffered", "device-patience", "allow-paths", "origins"),
                    Stream.concat(SPACE_KEYS.stream(), ServiceConfig.KEYS.stream()))
            .toList();

    /** A configuration with the defaults for space. */
    public PoolConfig(String metadata, String data, boolean buffered) {
        this(metadata, data, buffered, DEFAULT_PATIENCE, SpaceConfig.DEFAULT);
    }

    /** A configuration that allows no further paths. */
    public PoolConfig(String metadata, String data, boolean buffered, Duration devicePatience, SpaceConfig space) {
        this(metadata, data, buffered, devicePatience, space, List.of());
    }

    /** A configuration that is served in the default way. */
    public PoolConfig(
            String metadata,
            String data,
            boolean buffered,
            Duration devicePatience,
            SpaceConfig space,
            List<String> allowPaths) {
        this(metadata, data, buffered, devicePatience, space, allowPaths, ServiceConfig.DEFAULT, Map.of());
    }

    public PoolConfig {
        allowPaths = List.copyOf(allowPaths);
        origins = Map.copyOf(origins);
    }

    /** The same, used through the page cache or not. */
    public PoolConfig withBuffered(boolean newBuffered) {
        return new PoolConfig(metadata, data, newBuffered, devicePatience, space, allowPaths, service, origins);
    }

    public PoolConfig withSpace(SpaceConfig newSpace) {
        return new PoolConfig(metadata, data, buffered, devicePatience, newSpace, allowPaths, service, origins);
    }

    public PoolConfig withService(ServiceConfig newService) {
        return new PoolConfig(metadata, data, buffered, devicePatience, space, allowPaths, newService, origins);
    }

    public PoolConfig withOrigins(Map<String, String> newOrigins) {
        return new PoolConfig(metadata, data, buffered, devicePatience, space, allowPaths, service, newOrigins);
    }

    /** Reads and checks a configuration; a message names the file, the key and the rule. */
    public static PoolConfig read(Path file) throws StorageException {
        PoolConfig config = YamlFile.read(file, FILE_LIMIT_BYTES, PoolConfig::of);
        if (config == null) {
            throw new StorageException(
                    Errno.ENODEV,
                    file.getParent() + " is no pool: it has no pool.yaml; make one with: gossamer pool create "
                            + file.getParent());
        }
        return config;
    }

    static PoolConfig parse(Path file, String text) throws StorageException {
        return YamlFile.parse(file, text, PoolConfig::of);
    }

    private static PoolConfig of(ObjectNode root) throws StorageException {
        ConfigKeys.requireKnown(root, "", KEYS);
        SpaceConfig space = SpaceConfig.DEFAULT;
        for (String key : SPACE_KEYS) {
            if (root.has(key)) {
                space = space(key, space, root.path(key).asText());
            }
        }
        JsonNode buffered = root.path("buffered");
        if (!buffered.isMissingNode() && !buffered.isBoolean()) {
            throw new IllegalArgumentException("key 'buffered' must be true or false");
        }
        return new PoolConfig(
                path(root, "metadata"),
                path(root, "data"),
                buffered.asBoolean(),
                patience(root),
                space,
                allowPaths(root.path("allow-paths")),
                ServiceConfig.of(root),
                origins(root.path("origins")));
    }

    private static Map<String, String> origins(JsonNode node) {
        Map<String, String> origins = new LinkedHashMap<>();
        if (!node.isMissingNode() && !node.isObject()) {
            throw new IllegalArgumentException("key 'origins' must have a line 'NAME: DEVICE' for each");
        }
        node.properties().forEach(each -> {
            if (!each.getValue().isTextual() || each.getValue().textValue().isBlank()) {
                throw new IllegalArgumentException("key 'origins': '" + each.getKey() + "' must be a path or a URI");
            }
            origins.put(each.getKey(), each.getValue().textValue());
        });
        return origins;
    }

    private String originsYaml() {
        StringBuilder lines = new StringBuilder(origins.isEmpty() ? "" : "origins:\n");
        origins.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(each -> lines.append("  ")
                .append(quote(each.getKey()))
                .append(": ")
                .append(quote(each.getValue()))
                .append('\n'));
        return lines.toString();
    }

    private static List<String> allowPaths(JsonNode paths) {
        List<String> allowed = new ArrayList<>();
        if (!paths.isMissingNode() && !paths.isArray()) {
            throw new IllegalArgumentException("key 'allow-paths' must be a list of paths, each behind a dash");
        }
        for (JsonNode path : paths) {
            boolean good = path.isTextual()
                    && (path.textValue().startsWith("/") || path.textValue().matches("[a-z][a-z0-9+.-]*://.+"));
            if (!good) {
                throw new IllegalArgumentException("key 'allow-paths': each must be an absolute path or an nbd URI");
            }
            allowed.add(path.textValue());
        }
        return allowed;
    }

    private String allowPathsYaml() {
        StringBuilder lines = new StringBuilder(allowPaths.isEmpty() ? "" : "allow-paths:\n");
        allowPaths.forEach(path -> lines.append("- ").append(quote(path)).append('\n'));
        return lines.toString();
    }

    private static Duration patience(ObjectNode root) {
        JsonNode patience = root.path("device-patience");
        try {
            return patience.isMissingNode() ? DEFAULT_PATIENCE : Quantity.time(patience.asText());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("key 'device-patience': " + e.getMessage(), e);
        }
    }

    private static SpaceConfig space(String key, SpaceConfig space, String text) {
        try {
            return switch (key) {
                case "on-full" -> space.withOnFull(OnFull.of(text));
                case "on-full-timeout" -> space.withOnFullTimeout(Quantity.time(text));
                case "low-water" -> space.withLowWater(text);
                case "emergency-reserve" -> space.withEmergency(Quantity.bytes(text));
                case "discard" -> space.withDiscard(text);
                case "unmarked-catalog" -> space.withUnmarkedCatalog(text);
                default -> space.withAutoExtend(Quantity.bytes(text));
            };
        } catch (StorageException | IllegalArgumentException e) {
            throw new IllegalArgumentException("key '" + key + "': " + e.getMessage(), e);
        }
    }

    /** Puts the file in place at one instant: after a crash it is there whole or not at all. */
    public void write(Path file) throws IOException {
        String text =
                "# A thin pool of gossamer. Paths are absolute or relative to this directory; nbd:// URIs work too.\n"
                        + "metadata: " + quote(metadata) + "\n"
                        + "data: " + quote(data) + "\n"
                        + "# true: the data device is used through the page cache instead of O_DIRECT\n"
                        + "buffered: " + buffered + "\n"
                        + (devicePatience.equals(DEFAULT_PATIENCE)
                                ? ""
                                : "device-patience: " + devicePatience.toSeconds() + "s\n")
                        + allowPathsYaml()
                        + originsYaml()
                        + space.yaml()
                        + service.yaml();
        ConfigFile.replace(file, text);
    }

    private static String path(JsonNode root, String key) {
        JsonNode value = root.path(key);
        if (value.isMissingNode()) {
            throw new IllegalArgumentException("key '" + key + "' is missing");
        }
        if ((!value.isTextual() && !value.isIntegralNumber()) || value.asText().isBlank()) {
            throw new IllegalArgumentException(
                    "key '" + key + "' must be a path; put one that looks like something else in quotes");
        }
        return value.asText();
    }

    /** YAML's single quotes: everything is literal, a quote is written twice. */
    static String quote(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
