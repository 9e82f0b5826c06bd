package dev.gossamer.io.lvm.format;

import dev.gossamer.io.StorageException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads LVM's text: {@code key = value}, {@code name { ... }}, comments from {@code #} to the end of the line (OT-52).
 * Memory follows the text's length, which its area bounds; depth is bounded here.
 */
public final class TextParser {
    /** Group, volumes, volume, segment, message. */
    private static final int MAX_DEPTH = 8;

    private final String text;
    private int at;

    private TextParser(String text) {
        this.text = text;
    }

    /**
     * Reads a whole text.
     *
     * @throws StorageException naming the line
     */
    public static TextSection parse(String text) throws StorageException {
        TextParser parser = new TextParser(text);
        TextSection root = new TextSection();
        parser.entries(root, 0);
        return root;
    }

    private void entries(TextSection section, int depth) throws StorageException {
        while (true) {
            skipSpace();
            if (at == text.length()) {
                if (depth > 0) {
                    throw wrong("a section has no end");
                }
                return;
            }
            if (text.charAt(at) == '}') {
                if (depth == 0) {
                    throw wrong("a section ends that has not begun");
                }
                at++;
                return;
            }
            entry(section, depth);
        }
    }

    private void entry(TextSection section, int depth) throws StorageException {
        String name = word();
        skipSpace();
        Object value;
        if (take('{')) {
            if (depth == MAX_DEPTH) {
                throw wrong("sections are nested more than " + MAX_DEPTH + " deep");
            }
            TextSection inner = new TextSection();
            entries(inner, depth + 1);
            value = inner;
        } else if (take('=')) {
            skipSpace();
            value = take('[') ? list() : scalar();
        } else {
            throw wrong("'" + name + "' is followed neither by = nor by {");
        }
        if (!section.put(name, value)) {
            throw wrong("'" + name + "' is there twice");
        }
    }

    private List<Object> list() throws StorageException {
        List<Object> values = new ArrayList<>();
        skipSpace();
        if (take(']')) {
            return values;
        }
        while (true) {
            skipSpace();
            values.add(scalar());
            skipSpace();
            if (take(']')) {
                return values;
            }
            if (!take(',')) {
                throw wrong("values of a list are not separated by commas");
            }
        }
    }

    private Object scalar() throws StorageException {
        return take('"') ? string() : number();
    }

    private String string() throws StorageException {
        StringBuilder value = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return value.toString();
            }
            if (c == '\\' && at < text.length()) {
                c = text.charAt(at++);
            }
            value.append(c);
        }
        throw wrong("a string has no end");
    }

    private Long number() throws StorageException {
        int start = at;
        if (at < text.length() && text.charAt(at) == '-') {
            at++;
        }
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        try {
            return Long.valueOf(text.substring(start, at));
        } catch (NumberFormatException e) {
            throw wrong("a value is neither a whole number nor a string");
        }
    }

    private String word() throws StorageException {
        int start = at;
        while (at < text.length() && isWord(text.charAt(at))) {
            at++;
        }
        if (at == start) {
            throw wrong("a name is missing");
        }
        return text.substring(start, at);
    }

    private static boolean isWord(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "_-+.@:/".indexOf(c) >= 0;
    }

    private boolean take(char expected) {
        if (at < text.length() && text.charAt(at) == expected) {
            at++;
            return true;
        }
        return false;
    }

    private void skipSpace() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
                at++;
            } else {
                return;
            }
        }
    }

    private StorageException wrong(String what) {
        long line = 1 + text.substring(0, at).chars().filter(c -> c == '\n').count();
        return LvmError.damaged("LVM's text, line " + line + ": " + what);
    }
}
