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
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.CollectionEndEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.parser.Parser;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;

/**
 * The one reader of YAML. What two readers could understand in two ways is refused, because access may depend on it:
 * keys that appear twice, anchors and aliases, tags, a second document, numbers in other than plain decimal notation,
 * and without quotes what is a word in one version of YAML and something else in the other.
 * A file that is empty, or a link to nothing, is an error and not the same as none. Blocks; not on a loop.
 */
public final class YamlFile {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    /** A message quotes the file, and is one line. */
    private static final Pattern NOT_PRINTED = Pattern.compile("[\\p{Cntrl}\\x{85}\\x{2028}\\x{2029}]");

    /** A list of rules with lists in them is four deep. */
    private static final int DEPTH_LIMIT = 16;

    private static final Pattern DECIMAL = Pattern.compile("0|-?[1-9][0-9]{0,17}");

    /** Numbers of YAML 1.1 or 1.2, to the base of 10, 2, 8, 16 or 60, and what they have in the place of some. */
    private static final Pattern NUMBER = Pattern.compile("[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+"
            + "|[0-9][0-9_]*(:[0-5]?[0-9])*(\\.[0-9_]*)?([eE][-+]?[0-9]+)?|\\.[0-9_]+([eE][-+]?[0-9]+)?"
            + "|\\.(inf|Inf|INF))|\\.(nan|NaN|NAN)");

    /** Words of YAML 1.1 for true and false, and its times. Not off, which means the same here in both. */
    private static final Pattern OTHERWISE_READ = Pattern.compile(
            "y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|=|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \\t]+)[0-9].*)?");

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
            text = text(file, limitBytes);
        } catch (StorageException e) {
            throw e;
        } catch (CharacterCodingException e) {
            throw new StorageException(Errno.EINVAL, file + ": is no text in UTF-8", e);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + file + ": " + Reason.of(e), e);
        }
        return parse(file, text, meaning);
    }

    /** The limit is that of what is read: a file may grow meanwhile, and one of the kernel's tells no length. */
    private static String text(Path file, int limitBytes) throws StorageException, IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(limitBytes + 1);
        }
        if (bytes.length > limitBytes) {
            throw bad(file, "is too long to be what it should: the limit is " + limitBytes + " bytes");
        }
        return StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes))
                .toString();
    }

    /** As {@link #read}, of a text that is there already. */
    static <T> T parse(Path file, String text, Meaning<T> meaning) throws StorageException {
        try (YAMLParser parser = new YAMLFactory().createParser(text)) {
            requirePlain(text);
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
                    file + ": " + NOT_PRINTED.matcher(Reason.of(e)).replaceAll("?"),
                    e);
        }
    }

    /**
     * Anchors, aliases and tags of keys and of values, of which the parser below tells some; what has more than one
     * meaning; and nesting that no file of ours has. What is no YAML at all, that parser will say.
     */
    private static void requirePlain(String text) {
        try {
            Parser events = new ParserImpl(new StreamReader(text), new LoaderOptions());
            int depth = 0;
            for (Event event = events.getEvent(); !event.is(Event.ID.StreamEnd); event = events.getEvent()) {
                String line = "line " + (event.getStartMark().getLine() + 1) + ": ";
                if ((event instanceof NodeEvent node && node.getAnchor() != null) || tag(event) != null) {
                    throw new IllegalArgumentException(
                            line + "anchors (&), aliases (*) and tags (!) are not allowed; put '*' in quotes");
                }
                if (event instanceof ScalarEvent scalar && scalar.isPlain()) {
                    requireOneMeaning(scalar.getValue(), line);
                }
                depth += event instanceof CollectionStartEvent ? 1 : event instanceof CollectionEndEvent ? -1 : 0;
                if (depth > DEPTH_LIMIT) {
                    throw new IllegalArgumentException(line + "lists and keys lie within each other too deeply");
                }
            }
        } catch (YAMLException e) {
            return; // so the other one will
        }
    }

    /** 010 is eight for one reader and ten for the next, 1_0 ten or a name; yes is true, or a word. */
    private static void requireOneMeaning(String text, String line) {
        if (NUMBER.matcher(text).matches() && !DECIMAL.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    line + "'" + text + "' is no plain number; if it is a name, put it in quotes");
        }
        if (OTHERWISE_READ.matcher(text).matches()) {
            throw new IllegalArgumentException(line + "'" + text
                    + "' is not a word to every reader of YAML; write true or false, or put it in quotes");
        }
    }

    /** As it is written there; mostly none. */
    private static String tag(Event event) {
        return event instanceof ScalarEvent scalar
                ? scalar.getTag()
                : event instanceof CollectionStartEvent start ? start.getTag() : null;
    }

    private static JsonNode value(YAMLParser parser, JsonToken token) throws IOException {
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

    private static JsonNode number(YAMLParser parser) throws IOException {
        String text = parser.getText();
        if (!DECIMAL.matcher(text).matches()) {
            throw new IllegalArgumentException(line(parser) + "'" + text + "' is no plain number");
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
