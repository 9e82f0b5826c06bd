package dev.gossamer.nbd.client;

import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.List;

/** The two views of one export after a handshake: the server's and the client's. */
final class Remotes {
    static final int SIZE_BYTES = 1 << 20;
    static final int ALL_FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES
            | NbdFlags.SEND_FAST_ZERO
            | NbdFlags.SEND_CACHE;

    private static final List<MetaContext> CONTEXTS = List.of(new MetaContext(1, "a:a"), new MetaContext(2, "b:b"));

    private Remotes() {}

    /** With metadata contexts if replies are structured. */
    static NegotiatedExport server(boolean structured, boolean extended) {
        ExportInfo export = new ExportInfo("v", "", SIZE_BYTES, ALL_FLAGS, 1, 4096, 1 << 20);
        return new NegotiatedExport(export, structured, extended, true, structured ? CONTEXTS : List.of());
    }

    static RemoteExport client(boolean structured, boolean extended) {
        NegotiatedExport negotiated = server(structured, extended);
        return new RemoteExport(
                "v",
                "",
                SIZE_BYTES,
                negotiated.transmissionFlags(),
                1,
                4096,
                1 << 20,
                structured,
                extended,
                negotiated.contexts());
    }
}
