package dev.gossamer.daemon.config;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * The one reader of YAML. What two readers could understand in two ways is refused, because access may depend on it:
 * keys that appear twice, anchors and aliases, tags, a second document, numbers in other than plain decimal notation.
 * A file that is empty, or a link to nothing, is an error and not the same as none. Blocks; not on a loop.
 */
public final class YamlFile {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    /** A message quotes the file, and is one line. */
    private static final Pattern NOT_PRINTED = Pattern.compile("[\\p{Cntrl}\\x{85}\\x{2028}\\x{2029}]");

    private static final Pattern DECIMAL = Pattern.compile("0|-?[1-9][0-9]{0,17}");

    /** What the contents of a file mean. */
    @FunctionalInterface
    public interface Meaning<T> {
        /** Throws {@link IllegalArgumentException} with the place and the rule; the file's name is put before it. */
        T of(ObjectNode root) throws StorageException;
    }

    private YamlFile() {}

    /**
     * Reads a file of keys and values.
     *
     * @param limitBytes more is another file, and not read
     * @return what it means; null if there is no file
     * @throws StorageException naming the file, the place and the rule
     */
    public static <T> T read(Path file, int limitBytes, Meaning<T> meaning) throws StorageException {
        String text;
        try {
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                return null;
            }
            if (!Files.isRegularFile(file)) {
                throw bad(file, "is no file, or a link to nothing; put a file there, or nothing");
            }
            if (Files.size(file) > limitBytes) {
                throw bad(file, "is too long to be what it should: the limit is " + limitBytes + " bytes");
            }
            text = Files.readString(file);
        } catch (StorageException e) {
            throw e;
        } catch (CharacterCodingException e) {
            throw new StorageException(Errno.EINVAL, file + ": is no text in UTF-8", e);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + file + ": " + Reason.of(e), e);
        }
        return parse(file, text, meaning);
    }

    /** As {@link #read}, of a text that is there already. */
    static <T> T parse(Path file, String text, Meaning<T> meaning) throws StorageException {
        try (YAMLParser parser = new YAMLFactory().createParser(text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw bad(file, "is empty; it must consist of lines 'key: value'");
            }
            if (!(value(parser, first) instanceof ObjectNode root)) {
                throw bad(file, "must consist of lines 'key: value'");
            }
            if (parser.nextToken() != null) {
                throw new IllegalArgumentException(line(parser) + "a second document begins");
            }
            return meaning.of(root);
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
            throw new StorageException(Errno.EINVAL, file + ": line " + line + " is no YAML", e);
        } catch (StorageException e) {
            throw e;
        } catch (IllegalArgumentException | IOException e) {
            throw new StorageException(
                    Errno.EINVAL,
                    file + ": " + NOT_PRINTED.matcher(e.getMessage()).replaceAll("?"),
                    e);
        }
    }

    private static JsonNode value(YAMLParser parser, JsonToken token) throws IOException {
        if (parser.isCurrentAlias() || parser.getObjectId() != null || parser.getTypeId() != null) {
            throw new IllegalArgumentException(
                    line(parser) + "anchors (&), aliases (*) and tags (!) are not allowed; put '*' in quotes");
        }
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> {
                ArrayNode array = NODES.arrayNode();
                for (JsonToken next = parser.nextToken(); next != JsonToken.END_ARRAY; next = parser.nextToken()) {
                    array.add(value(parser, next));
                }
                yield array;
            }
            case VALUE_TRUE, VALUE_FALSE -> NODES.booleanNode(token == JsonToken.VALUE_TRUE);
            case VALUE_NULL -> NODES.nullNode();
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(parser);
            default -> NODES.textNode(parser.getText());
        };
    }

    private static ObjectNode object(YAMLParser parser) throws IOException {
        ObjectNode object = NODES.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            if (object.has(key)) {
                throw new IllegalArgumentException(line(parser) + "key '" + key + "' appears twice");
            }
            object.set(key, value(parser, parser.nextToken()));
        }
        return object;
    }

    /** 010 is eight for one reader and ten for the next, 1_0 ten or a name. */
    private static JsonNode number(YAMLParser parser) throws IOException {
        String text = parser.getText();
        if (!DECIMAL.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    line(parser) + "'" + text + "' is no plain number; if it is a name, put it in quotes");
        }
        long number = Long.parseLong(text);
        return number == (int) number ? NODES.numberNode((int) number) : NODES.numberNode(number);
    }

    private static String line(YAMLParser parser) {
        return "line " + parser.currentTokenLocation().getLineNr() + ": ";
    }

    private static StorageException bad(Path file, String what) {
        return new StorageException(Errno.EINVAL, file + ": " + what);
    }
}
