package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;
import java.nio.charset.CharacterCodingException;

/** The data of INFO and GO. Items we do not know are ignored, an item asked twice counts once (H19). */
record InfoRequest(String name, boolean nameAsked, boolean descriptionAsked, boolean blockSizeAsked) {
    private static final int NAME_LENGTH_BYTES = 4;
    private static final int ITEM_COUNT_BYTES = 2;
    private static final int ITEM_BYTES = 2;

    /**
     * Parses exactly the readable bytes of {@code data}. Every length is compared with what is there: a name length of
     * 0xffffffff was CVE-2022-26496.
     */
    static InfoRequest parse(ByteBuf data) throws MalformedOption {
        if (data.readableBytes() < NAME_LENGTH_BYTES + ITEM_COUNT_BYTES) {
            throw new MalformedOption("option data is too short");
        }
        long nameBytes = data.readUnsignedInt();
        if (nameBytes > data.readableBytes() - ITEM_COUNT_BYTES) {
            throw new MalformedOption("name is longer than the option");
        }
        String name = readName(data, (int) nameBytes);
        int items = data.readUnsignedShort();
        if (data.readableBytes() != items * ITEM_BYTES) {
            throw new MalformedOption("length of the item list does not fit the option");
        }
        boolean nameAsked = false;
        boolean descriptionAsked = false;
        boolean blockSizeAsked = false;
        for (int i = 0; i < items; i++) {
            int item = data.readUnsignedShort();
            nameAsked |= item == NbdInfo.NAME;
            descriptionAsked |= item == NbdInfo.DESCRIPTION;
            blockSizeAsked |= item == NbdInfo.BLOCK_SIZE;
        }
        return new InfoRequest(name, nameAsked, descriptionAsked, blockSizeAsked);
    }

    /** Consumes {@code lengthBytes} bytes, which must be there, as an export name (H25). */
    static String readName(ByteBuf data, int lengthBytes) throws MalformedOption {
        try {
            return NbdText.read(data, lengthBytes);
        } catch (CharacterCodingException e) {
            throw new MalformedOption("name is not UTF-8, contains NUL or is longer than 4096 bytes");
        }
    }
}
