package dev.gossamer.io.lvm.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TextParserTest {
    private static String refusal(String text) {
        return assertThrows(StorageException.class, () -> TextParser.parse(text))
                .getMessage();
    }

    @Test
    void valuesListsSectionsAndComments() throws StorageException {
        TextSection root = TextParser.parse(
                """
                # first
                a = 5	# behind
                b = -7 c="say \\"x\\" \\\\"
                list = ["pv0", 3,
                  "pv1", 0]
                none = []
                s { t { deep = 1 } }
                """);
        assertEquals(5, root.number("a", 0, 9));
        assertEquals(-7, root.number("b", -9, 9));
        assertEquals("say \"x\" \\", root.string("c"));
        assertEquals(List.of("pv0", 3L, "pv1", 0L), root.list("list"));
        assertEquals(List.of(), root.list("none"));
        assertEquals(1, root.section("s").section("t").number("deep", 0, 9));
        assertNull(root.section("a"));
    }

    @Test
    void mistakesNameTheirLine() {
        assertTrue(refusal("a = 1\nb {\nc = 2\n").contains("line 4: a section has no end"));
        assertTrue(refusal("}\n").contains("line 1: a section ends that has not begun"));
        assertTrue(refusal("a = \"x\n").contains("a string has no end"));
        assertTrue(refusal("a = 1.5\n").contains("a name is missing")
                || refusal("a = 1.5\n").contains("followed"));
        assertTrue(refusal("a = 99999999999999999999\n").contains("neither a whole number"));
        assertTrue(refusal("a = [1 2]\n").contains("not separated by commas"));
        assertTrue(refusal("a = 1\na = 2\n").contains("line 2: 'a' is there twice"));
        assertTrue(refusal("a 1\n").contains("followed neither by = nor by {"));
    }

    @Test
    void depthIsBounded() throws StorageException {
        TextParser.parse("a {".repeat(8) + "}".repeat(8));
        assertTrue(refusal("a {".repeat(100_000)).contains("nested more than 8 deep"));
    }
}
