package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdInfo;
import io.netty.buffer.ByteBuf;

/** The data of INFO and GO. Items we do not know are ignored, an item asked twice counts once (H19). */
record InfoRequest(String name, boolean nameAsked, boolean descriptionAsked, boolean blockSizeAsked) {
    private static final int ITEM_COUNT_BYTES = 2;
    private static final int ITEM_BYTES = 2;

    /**
     * Parses exactly the readable bytes of {@code data}.
     */
    static InfoRequest parse(ByteBuf data) throws OptionRefused {
        String name = OptionText.readName(data, ITEM_COUNT_BYTES);
        int items = data.readUnsignedShort();
        if (data.readableBytes() != items * ITEM_BYTES) {
            throw OptionRefused.invalid("length of the item list does not fit the option");
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
}
