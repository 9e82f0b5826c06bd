package dev.gossamer.daemon.config;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.catalog.OnFull;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * What {@code pool.yaml} says.
 *
 * @param metadata path of the metadata device or file, absolute or relative to the pool's directory; or the URI of an
 *     NBD export
 * @param data likewise, of the data device
 * @param buffered the data device is used through the page cache, not with O_DIRECT
 * @param space what happens when space runs low or out
 */
public record PoolConfig(String metadata, String data, boolean buffered, SpaceConfig space) {
    /** A few keys need a few hundred bytes; more is another file. */
    private static final int FILE_LIMIT_BYTES = 64 << 10;

    /** A configuration with the defaults for space. */
    public PoolConfig(String metadata, String data, boolean buffered) {
        this(metadata, data, buffered, SpaceConfig.DEFAULT);
    }

    /** The same, used through the page cache or not. */
    public PoolConfig withBuffered(boolean newBuffered) {
        return new PoolConfig(metadata, data, newBuffered, space);
    }

    public PoolConfig withSpace(SpaceConfig newSpace) {
        return new PoolConfig(metadata, data, buffered, newSpace);
    }

    /** Reads and checks a configuration; a message names the file, the key and the rule. */
    public static PoolConfig read(Path file) throws StorageException {
        String text;
        try {
            if (Files.size(file) > FILE_LIMIT_BYTES) {
                throw new StorageException(Errno.EINVAL, file + " is too long for a pool configuration");
            }
            text = Files.readString(file);
        } catch (StorageException e) {
            throw e;
        } catch (NoSuchFileException e) {
            throw new StorageException(
                    Errno.ENODEV,
                    file.getParent() + " is no pool: it has no pool.yaml; make one with: gossamer pool create "
                            + file.getParent(),
                    e);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + file + ": " + Reason.of(e), e);
        }
        return parse(file, text);
    }

    static PoolConfig parse(Path file, String text) throws StorageException {
        String metadata = null;
        String data = null;
        Boolean buffered = null;
        SpaceConfig space = SpaceConfig.DEFAULT;
        Set<String> seen = new HashSet<>();
        // The streaming parser: binding to objects would cost every start more than the rest of the configuration.
        try (JsonParser parser = new YAMLFactory().createParser(text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw bad(file, "must consist of lines 'key: value'");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String key = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (key) {
                    case "metadata" -> metadata = path(file, key, metadata, value, parser);
                    case "data" -> data = path(file, key, data, value, parser);
                    case "buffered" -> {
                        if (buffered != null) {
                            throw bad(file, "key 'buffered' appears twice");
                        }
                        if (value != JsonToken.VALUE_TRUE && value != JsonToken.VALUE_FALSE) {
                            throw bad(file, "key 'buffered' must be true or false");
                        }
                        buffered = value == JsonToken.VALUE_TRUE;
                    }
                    case "on-full", "on-full-timeout", "low-water", "auto-extend", "discard" -> {
                        if (!seen.add(key)) {
                            throw bad(file, "key '" + key + "' appears twice");
                        }
                        space = space(file, key, space, parser.getText());
                    }
                    default -> throw bad(
                            file,
                            "unknown key '" + key + "'; known are metadata, data, buffered, on-full, "
                                    + "on-full-timeout, low-water, auto-extend and discard");
                }
            }
        } catch (JsonParseException e) {
            throw bad(file, "line " + e.getLocation().getLineNr() + " is no YAML");
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw bad(file, Reason.of(e));
        }
        require(file, "metadata", metadata);
        require(file, "data", data);
        return new PoolConfig(metadata, data, Boolean.TRUE.equals(buffered), space);
    }

    private static SpaceConfig space(Path file, String key, SpaceConfig space, String text) throws StorageException {
        try {
            return switch (key) {
                case "on-full" -> space.withOnFull(OnFull.of(text));
                case "on-full-timeout" -> space.withOnFullTimeout(Quantity.time(text));
                case "low-water" -> space.withLowWater(text);
                case "discard" -> space.withDiscard(text);
                default -> space.withAutoExtend(Quantity.bytes(text));
            };
        } catch (StorageException | IllegalArgumentException e) {
            throw bad(file, "key '" + key + "': " + e.getMessage());
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
                        + space.yaml();
        ConfigFile.replace(file, text);
    }

    private static String path(Path file, String key, String before, JsonToken value, JsonParser parser)
            throws IOException {
        if (before != null) {
            throw bad(file, "key '" + key + "' appears twice");
        }
        if (!value.isScalarValue()
                || value == JsonToken.VALUE_NULL
                || parser.getText().isBlank()) {
            throw bad(file, "key '" + key + "' must be a path");
        }
        return parser.getText();
    }

    private static void require(Path file, String key, String value) throws StorageException {
        if (value == null) {
            throw bad(file, "key '" + key + "' is missing");
        }
    }

    private static StorageException bad(Path file, String what) {
        return new StorageException(Errno.EINVAL, file + ": " + what);
    }

    /** YAML's single quotes: everything is literal, a quote is written twice. */
    private static String quote(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
