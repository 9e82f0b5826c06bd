package dev.gossamer.daemon.server;

import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.List;
import java.util.function.LongPredicate;

/**
 * One writable export, served from the test's device; transfers of at most 1 MiB.
 *
 * @param hole whether the export says that nothing is mapped in the 4 KiB from an offset on
 * @param rates of all who have it open
 */
record OneExport(BlockDevice device, long sizeBytes, LongPredicate hole, RateGate rates) implements Exports {
    static final String NAME = "disk";

    private static final int FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_CACHE
            | NbdFlags.SEND_WRITE_ZEROES;

    /** All of it is data. */
    OneExport(BlockDevice device, long sizeBytes) {
        this(device, sizeBytes, offset -> false);
    }

    /** Nothing is limited. */
    OneExport(BlockDevice device, long sizeBytes, LongPredicate hole) {
        this(device, sizeBytes, hole, new RateGate());
    }

    @Override
    public List<ExportInfo> list(Peer peer) {
        return List.of(new ExportInfo(NAME, "", sizeBytes, FLAGS, 1, 4096, 1 << 20));
    }

    @Override
    public ExportInfo find(Peer peer, String name) {
        return name.equals(NAME) ? list(peer).getFirst() : null;
    }

    @Override
    public OpenExport open(String name, List<MetaContext> contexts) {
        return new PlainExport(device, hole, rates);
    }
}
