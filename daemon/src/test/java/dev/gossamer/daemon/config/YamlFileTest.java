package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.io.StorageException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What anybody could put in the place of a file of keys and values: read as written, or refused in one line. */
@Timeout(60)
class YamlFileTest {
    private static final int LIMIT_BYTES = 1 << 20;

    @TempDir
    private Path directory;

    private String read(Path file) throws StorageException {
        return YamlFile.read(file, LIMIT_BYTES, Object::toString);
    }

    private String refusal(Path file) {
        StorageException refused = assertThrows(StorageException.class, () -> read(file));
        String line = refused.getMessage();
        assertTrue(line.startsWith(file.toString()) || line.startsWith("cannot read " + file), line);
        assertTrue(line.chars().allMatch(c -> c >= ' '), line);
        assertTrue(line.length() < 500, line);
        assertFalse(line.contains("null") || line.contains("Exception"), line);
        return line;
    }

    private String refusal(String text) throws Exception {
        return refusal(Files.writeString(directory.resolve("file.yaml"), text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a: &x 1\n",
                "a: &x [1]\nb: *x\n",
                "&x a: 1\n",
                "!!str a: 1\n",
                "!!binary YQ==: 1\n",
                "? !!str a\n: 1\n",
                "a: !!int 1\n",
                "a: !x {}\n",
                "a: {<<: {b: 1}, b: 2, b: 3}\n",
                "a: 1\na: 2\n",
                "a: 1\n\"a\": 2\n",
                "a: 1\n'\\x61': 2\n\"\\x61\": 3\n",
                "{a: 1}\n---\n{a: 2}\n",
                "a: 1\n...\nb: 2\n",
                "a:\n\tb: 1\n",
                "\ta: 1\n",
                "a: \"\u0000\"\n",
                "a: \u0001\n",
                "a: 010\n",
                "a: 0x10\n",
                "a: 1_000\n",
                "a: 1e3\n",
                "a: 1.0\n",
                "a: 99999999999999999999999999\n",
                "a: .inf\n",
                "a: .NaN\n",
                "a: -.inf\n",
                "a: .5\n",
                "a: +1\n",
                "a: -0\n",
                "a: 1e3\n",
                "a: 08\n",
                "a: 0o17\n",
                "a: 0b11\n",
                "a: 0xff\n",
                "a: 1:30\n",
                "a: 190:20:30.15\n",
                "a: 2024-01-31\n",
                "a: 2001-12-14 21:59:43.10 -5\n",
                "a: [b, yes]\n",
                "a: {b: No}\n",
                "a: on\n",
                "a: N\n",
                "no: 1\n",
                "a: =\n",
                "{\"a\": 1.0}\n",
                "{\"a\": 1e3}\n",
                "{\"a\": 01}\n",
                "{\"a\": 1, \"a\": 2}\n",
                "{\"a\": 1, \"\\u0061\": 2}\n",
                "{\"a\": yes}\n",
                "{\"a\": 1} {\"a\": 2}\n",
                "{\"a\": 1}]\n",
                "[1, 2]\n",
                "plain\n",
                "",
                "\n",
                "# nothing\n",
                "~\n",
                "? [1, 2]\n: 3\n",
                "a: {b: 1\n",
                "a: \"b\n",
                "a: b: c\n",
                "%YAML 9.9\n---\na: 1\n",
                "a: @b\n",
                "a: `b\n"
            })
    void whatTwoReadersCouldUnderstandInTwoWaysIsRefused(String text) throws Exception {
        refusal(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{a: ", "- ", "? "})
    void nestingThatEndsNowhereIsRefused(String opening) throws Exception {
        refusal("a: " + opening.repeat(LIMIT_BYTES / opening.length() - 10));
        refusal("a:\n " + opening.repeat(5000));
    }

    @Test
    void deepOnesThatAreWholeAreRefusedToo() throws Exception {
        refusal("a: " + "[".repeat(100_000) + "]".repeat(100_000) + "\n");
        refusal("a: " + "{a: ".repeat(50_000) + "1" + "}".repeat(50_000) + "\n");
    }

    @Test
    void whatIsNoFileIsRefusedAndNotWaitedFor() throws Exception {
        refusal(Files.createDirectory(directory.resolve("directory")));
        Path fifo = directory.resolve("fifo");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
        refusal(fifo);
        refusal(Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("nothing")));
        refusal(Files.createSymbolicLink(directory.resolve("device"), Path.of("/dev/zero")));
        refusal(Files.createSymbolicLink(directory.resolve("loop"), directory.resolve("loop")));
        assertNull(read(directory.resolve("nothing")));
    }

    /** A file of the kernel has no length until it is read. */
    @Test
    void theLimitIsThatOfWhatIsRead() throws Exception {
        Path longer = Files.writeString(directory.resolve("longer"), "a: " + "x".repeat(LIMIT_BYTES) + "\n");
        assertTrue(refusal(longer).contains("the limit is 1048576 bytes"));
        Path kernel = Files.createSymbolicLink(directory.resolve("kernel"), Path.of("/proc/kallsyms"));
        assertTrue(refusal(kernel).contains("the limit is 1048576 bytes"));
    }

    @Test
    void otherEncodingsAreRefused() throws Exception {
        Path file = directory.resolve("encoded");
        for (byte[] bytes : new byte[][] {
            "a: \u00e9\n".getBytes(StandardCharsets.ISO_8859_1),
            "a: b\n".getBytes(StandardCharsets.UTF_16),
            "a: b\n".getBytes(StandardCharsets.UTF_16LE),
            {'a', ':', ' ', (byte) 0xc0, (byte) 0x80, '\n'},
            {'a', ':', ' ', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '\n'}
        }) {
            refusal(Files.write(file, bytes));
        }
    }

    @Test
    void whatIsPlainIsReadAsWritten() throws Exception {
        Path file = directory.resolve("plain.yaml");
        Files.writeString(file, "---\na: -12\r\nb: ['*', \"x y\", true, 'yes', ~]\nc: {d: 123456789012345678}\n");
        assertEquals(
                "{\"a\":-12,\"b\":[\"*\",\"x y\",true,\"yes\",null],\"c\":{\"d\":123456789012345678}}", read(file));
    }

    /** JSON is YAML, but for a few escapes: what is read is what a reader of JSON finds. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":-12,\"b\":[\"*\",true,false,null,\"yes\",\"1e3\",\"2024-01-31\"],\"c\":{}}",
                "{ \"a\" : [ ] ,\n \"b\\n\\\"\\\\\" : \"\\u00e9\\t\\/\" }\n",
                "{\"a\":\"\\ud83d\\ude00\",\"b\":123456789012345678}"
            })
    void jsonMeansWhatItSaysOrIsRefused(String text) throws Exception {
        Path file = Files.writeString(directory.resolve("file.yaml"), text);
        String said = new ObjectMapper().readTree(text).toString();
        String found;
        try {
            found = read(file);
        } catch (StorageException refused) {
            assertTrue(text.contains("\\/") || text.contains("\\ud83d"), refused.getMessage());
            return;
        }
        assertEquals(said, found);
    }

    /** The one word for false without quotes that keys of ours have; it is no name. */
    @Test
    void offIsFalse() throws Exception {
        Path file = Files.writeString(directory.resolve("file.yaml"), "a: off\nb: 'off'\nc: False\n");
        assertEquals("{\"a\":false,\"b\":\"off\",\"c\":false}", read(file));
    }

    @Test
    void aMeaningThatSaysNothingStillEndsInALine() throws Exception {
        Path file = Files.writeString(directory.resolve("file.yaml"), "a: 1\n");
        StorageException refused = assertThrows(
                StorageException.class,
                () -> YamlFile.read(file, LIMIT_BYTES, root -> {
                    throw new IllegalArgumentException();
                }));
        assertEquals(file + ": illegal argument", refused.getMessage());
    }
}
