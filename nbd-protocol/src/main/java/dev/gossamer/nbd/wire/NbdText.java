package dev.gossamer.nbd.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Strings on the wire: UTF-8, counted in bytes, without a terminator, never longer than {@link #LIMIT_BYTES}. */
public final class NbdText {
    /** The protocol's limit for every string. */
    public static final int LIMIT_BYTES = 4096;

    /** How much of a peer's own text an answer repeats (H10); over-long echoes were CVE-2020-10761. */
    static final int ECHO_LIMIT_BYTES = 80;

    private NbdText() {}

    /**
     * Consumes exactly {@code lengthBytes} bytes and returns them as a string.
     *
     * @throws CharacterCodingException if they are longer than the limit, malformed UTF-8 or contain NUL
     */
    public static String read(ByteBuf in, int lengthBytes) throws CharacterCodingException {
        if (lengthBytes > LIMIT_BYTES) {
            in.skipBytes(lengthBytes);
            throw new CharacterCodingException();
        }
        byte[] bytes = new byte[lengthBytes];
        in.readBytes(bytes);
        // A new decoder reports malformed input; the String constructor would replace it silently.
        String text = StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes))
                .toString();
        if (text.indexOf('\0') >= 0) {
            throw new CharacterCodingException();
        }
        return text;
    }

    /** Length of the text on the wire. A lone surrogate counts as the one byte '?' that is written for it. */
    public static int lengthBytes(String text) {
        return ByteBufUtil.utf8Bytes(text);
    }

    /** Whether the text may be sent as a name or description. */
    public static boolean isValid(String text) {
        return lengthBytes(text) <= LIMIT_BYTES && text.indexOf('\0') < 0;
    }

    /** Appends the text, or as many whole characters of its beginning as fit into {@code limitBytes}. */
    public static void write(ByteBuf out, String text, int limitBytes) {
        ByteBufUtil.writeUtf8(out, cut(text, limitBytes));
    }

    /**
     * A peer's text made fit to be shown: cut short, everything but letters, digits and punctuation replaced by '?'.
     */
    public static String echo(String text) {
        return shown(text, ECHO_LIMIT_BYTES);
    }

    /** As {@link #echo}, where there is room for {@code limitBytes}. */
    public static String shown(String text, int limitBytes) {
        String beginning = cut(text, limitBytes);
        StringBuilder shown = new StringBuilder(beginning.length());
        beginning.codePoints().forEach(c -> shown.appendCodePoint(isShown(c) ? c : '?'));
        return shown.toString();
    }

    private static boolean isShown(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    private static String cut(String text, int limitBytes) {
        if (lengthBytes(text) <= limitBytes) {
            return text;
        }
        int endChars = 0;
        int usedBytes = 0;
        while (true) {
            int nextChars = text.offsetByCodePoints(endChars, 1);
            usedBytes += ByteBufUtil.utf8Bytes(text, endChars, nextChars);
            if (usedBytes > limitBytes) {
                return text.substring(0, endChars);
            }
            endChars = nextChars;
        }
    }
}
