package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.nbd.wire.NbdText;
import io.netty.buffer.ByteBuf;

/** Appends the server's half of the handshake to a buffer of the caller. */
final class OptionReply {
    /** Shorter than the protocol's 4096: an error text is one line for a person (H10). */
    static final int ERROR_TEXT_LIMIT_BYTES = 256;

    private OptionReply() {}

    static void greeting(ByteBuf out) {
        out.writeLong(NbdMagic.GREETING);
        out.writeLong(NbdMagic.OPTION);
        out.writeShort(NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES);
    }

    static void ack(ByteBuf out, int option) {
        header(out, option, NbdReply.ACK, 0);
    }

    static void error(ByteBuf out, int option, int type, String text) {
        int start = header(out, option, type, 0);
        NbdText.write(out, text, ERROR_TEXT_LIMIT_BYTES);
        setLength(out, start);
    }

    /** One export of a LIST answer. */
    static void server(ByteBuf out, ExportInfo export) {
        int nameBytes = NbdText.lengthBytes(export.name());
        int descriptionBytes = NbdText.lengthBytes(export.description());
        header(out, NbdOption.LIST, NbdReply.SERVER, Integer.BYTES + nameBytes + descriptionBytes);
        out.writeInt(nameBytes);
        NbdText.write(out, export.name(), NbdText.LIMIT_BYTES);
        NbdText.write(out, export.description(), NbdText.LIMIT_BYTES);
    }

    /**
     * Every item due for this request, then the ACK. Block sizes are told unasked (H28); the name is told unasked where
     * it differs from the one the client used (H26).
     */
    static void info(ByteBuf out, int option, InfoRequest request, NegotiatedExport negotiated) {
        ExportInfo export = negotiated.export();
        header(out, option, NbdReply.INFO, NbdInfo.EXPORT_BYTES);
        out.writeShort(NbdInfo.EXPORT);
        out.writeLong(export.sizeBytes());
        out.writeShort(negotiated.transmissionFlags());
        if (request.nameAsked() || !request.name().equals(export.name())) {
            text(out, option, NbdInfo.NAME, export.name());
        }
        if (request.descriptionAsked() && !export.description().isEmpty()) {
            text(out, option, NbdInfo.DESCRIPTION, export.description());
        }
        blockSizes(out, option, export);
        ack(out, option);
    }

    static void blockSizes(ByteBuf out, int option, ExportInfo export) {
        header(out, option, NbdReply.INFO, NbdInfo.BLOCK_SIZE_BYTES);
        out.writeShort(NbdInfo.BLOCK_SIZE);
        out.writeInt(export.minimumBlockBytes());
        out.writeInt(export.preferredBlockBytes());
        out.writeInt(export.maximumPayloadBytes());
    }

    /** One context of a LIST_META_CONTEXT or SET_META_CONTEXT answer. */
    static void metaContext(ByteBuf out, int option, int id, String name) {
        int start = header(out, option, NbdReply.META_CONTEXT, 0);
        out.writeInt(id);
        NbdText.write(out, name, NbdText.LIMIT_BYTES);
        setLength(out, start);
    }

    /** The answer to EXPORT_NAME. */
    static void exportName(ByteBuf out, NegotiatedExport negotiated, boolean padded) {
        out.writeLong(negotiated.export().sizeBytes());
        out.writeShort(negotiated.transmissionFlags());
        if (padded) {
            out.writeZero(NbdOption.EXPORT_NAME_PADDING_BYTES);
        }
    }

    private static void text(ByteBuf out, int option, int item, String text) {
        int start = header(out, option, NbdReply.INFO, 0);
        out.writeShort(item);
        NbdText.write(out, text, NbdText.LIMIT_BYTES);
        setLength(out, start);
    }

    private static int header(ByteBuf out, int option, int type, int lengthBytes) {
        int start = out.writerIndex();
        out.writeLong(NbdMagic.OPTION_REPLY);
        out.writeInt(option);
        out.writeInt(type);
        out.writeInt(lengthBytes);
        return start;
    }

    private static void setLength(ByteBuf out, int start) {
        int dataStart = start + NbdReply.OPTION_REPLY_HEADER_BYTES;
        out.setInt(dataStart - Integer.BYTES, out.writerIndex() - dataStart);
    }
}
