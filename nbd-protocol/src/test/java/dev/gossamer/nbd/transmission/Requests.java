package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.stream.IntStream;

/** Requests as a client would send them, and exports to send them to. */
final class Requests {
    static final int SIZE_BYTES = 64 << 20;
    static final int MAXIMUM_BYTES = 32 << 20;
    static final int ALL_FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES
            | NbdFlags.SEND_FAST_ZERO
            | NbdFlags.SEND_CACHE;

    private Requests() {}

    static NegotiatedExport export(int transmissionFlags, boolean structuredReplies) {
        return new NegotiatedExport(
                new ExportInfo("v", "", SIZE_BYTES, transmissionFlags, 1, 4096, MAXIMUM_BYTES),
                structuredReplies,
                false,
                false,
                List.of());
    }

    /** An export with this many metadata contexts. */
    static NegotiatedExport withContexts(boolean extendedHeaders, int contexts) {
        List<MetaContext> selected = IntStream.rangeClosed(1, contexts)
                .mapToObj(id -> new MetaContext(id, "x:" + id))
                .toList();
        ExportInfo export = new ExportInfo("v", "", SIZE_BYTES, ALL_FLAGS, 1, 4096, MAXIMUM_BYTES);
        return new NegotiatedExport(export, true, extendedHeaders, false, selected);
    }

    static NegotiatedExport strictExport(boolean blockSizeAsked) {
        return new NegotiatedExport(
                new ExportInfo("v", "", SIZE_BYTES, ALL_FLAGS, 4096, 4096, MAXIMUM_BYTES),
                true,
                false,
                blockSizeAsked,
                List.of());
    }

    static void header(ByteBuf out, int command, int flags, long cookie, long offsetBytes, long lengthBytes) {
        out.writeInt(NbdMagic.REQUEST)
                .writeShort(flags)
                .writeShort(command)
                .writeLong(cookie)
                .writeLong(offsetBytes)
                .writeInt((int) lengthBytes);
    }

    static void extendedHeader(ByteBuf out, int command, int flags, long cookie, long offsetBytes, long lengthBytes) {
        out.writeInt(NbdMagic.EXTENDED_REQUEST)
                .writeShort(flags)
                .writeShort(command)
                .writeLong(cookie)
                .writeLong(offsetBytes)
                .writeLong(lengthBytes);
    }

    static NbdRequest extendedRequest(int command, int flags, long offsetBytes, long lengthBytes) {
        ByteBuf bytes = Unpooled.buffer();
        extendedHeader(bytes, command, flags, 7, offsetBytes, lengthBytes);
        NbdRequest request = new NbdRequest();
        request.readFrom(bytes.skipBytes(Integer.BYTES), true);
        return request;
    }

    static NbdRequest request(int command, int flags, long offsetBytes, long lengthBytes) {
        ByteBuf bytes = Unpooled.buffer();
        header(bytes, command, flags, 7, offsetBytes, lengthBytes);
        NbdRequest request = new NbdRequest();
        request.readFrom(bytes.skipBytes(Integer.BYTES), false);
        return request;
    }
}
