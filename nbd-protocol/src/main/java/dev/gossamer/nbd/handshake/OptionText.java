package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import java.nio.charset.CharacterCodingException;

/**
 * Reads names and queries out of an option's data. Every length is compared with what is there: a name length of
 * 0xffffffff was CVE-2022-26496.
 */
final class OptionText {
    private OptionText() {}

    /**
     * Consumes an export name and the length before it (H25).
     *
     * @param restBytes what must follow the name at least
     */
    static String readName(ByteBuf data, int restBytes) throws OptionRefused {
        return readCounted(data, restBytes, "name");
    }

    /** Consumes one query of a metadata context and the length before it. */
    static String readQuery(ByteBuf data) throws OptionRefused {
        return readCounted(data, 0, "query");
    }

    /** Consumes {@code lengthBytes} bytes, which must be there. */
    static String read(ByteBuf data, int lengthBytes, String what) throws OptionRefused {
        try {
            return NbdText.read(data, lengthBytes);
        } catch (CharacterCodingException e) {
            throw OptionRefused.invalid(what + " is not UTF-8, contains NUL or is longer than 4096 bytes");
        }
    }

    private static String readCounted(ByteBuf data, int restBytes, String what) throws OptionRefused {
        if (data.readableBytes() < Integer.BYTES + restBytes) {
            throw OptionRefused.invalid("option data is too short");
        }
        long lengthBytes = data.readUnsignedInt();
        if (lengthBytes > data.readableBytes() - restBytes) {
            throw OptionRefused.invalid(what + " is longer than the option");
        }
        return read(data, (int) lengthBytes, what);
    }
}
