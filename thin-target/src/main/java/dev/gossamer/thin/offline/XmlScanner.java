package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Takes the XML of thin_dump apart into tags with attributes. No more of XML than that: no entities, no text. Knows
 * where it is, for messages.
 */
final class XmlScanner {
    private static final int BUFFER_BYTES = 256 << 10;
    private static final int MAX_NAME = 64;
    private static final int END = -1;
    private static final long HASH_START = 0xcbf29ce484222325L;
    private static final long HASH_STEP = 0x100000001b3L;

    private final InputStream in;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final byte[] text = new byte[MAX_NAME];
    private int textLength;
    private int at;
    private int end;
    private long consumed;
    private long line = 1;
    private long lineStart;
    private boolean tagEndsElement;

    XmlScanner(InputStream in) {
        this.in = in;
    }

    /** What names are compared by: no two that occur have the same. */
    static long hash(String name) {
        long hash = HASH_START;
        for (byte letter : name.getBytes(StandardCharsets.US_ASCII)) {
            hash = (hash ^ letter) * HASH_STEP;
        }
        return hash;
    }

    /** To be thrown. */
    BadPool wrong(String what) {
        return new BadPool("line " + line + ", column " + (consumed + at - lineStart) + ": " + what);
    }

    private int peek() throws IOException {
        if (at == end) {
            consumed += end;
            at = 0;
            end = Math.max(0, in.read(buffer));
            if (end == 0) {
                return END;
            }
        }
        return buffer[at] & 0xFF; // END is none of them
    }

    private int next() throws IOException {
        int found = peek();
        if (found == END) {
            throw wrong("the input ends too early");
        }
        at++;
        return found;
    }

    private int skipSpace() throws IOException {
        while (true) {
            int found = peek();
            if (found == '\n') {
                line++;
                lineStart = consumed + at + 1;
            } else if (found != ' ' && found != '\t' && found != '\r') {
                return found;
            }
            at++;
        }
    }

    private void expect(int letter) throws IOException {
        if (next() != letter) {
            at--;
            throw wrong("'" + (char) letter + "' is missing");
        }
    }

    /**
     * Goes to the next tag and reads its name, which {@link #name} tells.
     *
     * @return 1: it opens an element, -1: it ends one, 0: the input ends
     */
    int nextTag() throws IOException {
        while (true) {
            int found = skipSpace();
            if (found == END) {
                return 0;
            }
            expect('<');
            found = peek();
            if (found == '?' || found == '!') {
                skipSpecial();
                continue;
            }
            boolean closing = found == '/';
            if (closing) {
                at++;
            }
            readName();
            if (closing) {
                skipSpace();
                expect('>');
            }
            return closing ? -1 : 1;
        }
    }

    /** A declaration or a comment. */
    private void skipSpecial() throws IOException {
        boolean comment = next() == '!';
        int before = 0;
        int last = 0;
        while (true) {
            int found = next();
            if (found == '\n') {
                line++;
                lineStart = consumed + at;
            }
            if (found == '>' && (!comment || (before == '-' && last == '-'))) {
                return;
            }
            before = last;
            last = found;
        }
    }

    private long nameHash;

    private void readName() throws IOException {
        long hash = HASH_START;
        textLength = 0;
        int found = peek();
        while ((found >= 'a' && found <= 'z') || found == '_') {
            if (textLength == MAX_NAME) {
                throw wrong("a name is too long");
            }
            text[textLength++] = (byte) found;
            hash = (hash ^ found) * HASH_STEP;
            at++;
            found = peek();
        }
        if (textLength == 0) {
            throw wrong("a name is missing");
        }
        nameHash = hash;
    }

    /** Of the last name read. */
    long name() {
        return nameHash;
    }

    String nameText() {
        return new String(text, 0, textLength, StandardCharsets.US_ASCII);
    }

    /** Goes to the next attribute of the tag, its name read; false: the tag ends. */
    boolean nextAttribute() throws IOException {
        int found = skipSpace();
        if (found == '/' || found == '>') {
            at++;
            tagEndsElement = found == '/';
            if (tagEndsElement) {
                expect('>');
            }
            return false;
        }
        readName();
        skipSpace();
        expect('=');
        skipSpace();
        expect('"');
        return true;
    }

    /** Whether the tag that ended is an element of its own. */
    boolean isEmptyElement() {
        return tagEndsElement;
    }

    /** The attribute's value as a number without sign. */
    long number() throws IOException {
        long value = 0;
        int digits = 0;
        while (true) {
            int found = next();
            if (found == '"') {
                break;
            }
            if (found < '0' || found > '9') {
                throw wrong("a number is wanted");
            }
            int digit = found - '0';
            if (++digits > 19 && (digits > 20 || overflows(value, digit))) {
                throw wrong("a number does not fit into 64 bits");
            }
            value = value * 10 + digit;
        }
        if (digits == 0) {
            throw wrong("a number is missing");
        }
        return value;
    }

    private static boolean overflows(long value, int digit) {
        long limit = Long.divideUnsigned(-1L, 10);
        int order = Long.compareUnsigned(value, limit);
        return order > 0 || (order == 0 && digit > 5);
    }

    /** The attribute's value as it is. */
    String string() throws IOException {
        textLength = 0;
        while (true) {
            int found = next();
            if (found == '"') {
                return nameText();
            }
            if (textLength == MAX_NAME || found == '<' || found == '\n') {
                throw wrong("a text is not ended or too long");
            }
            text[textLength++] = (byte) found;
        }
    }
}
