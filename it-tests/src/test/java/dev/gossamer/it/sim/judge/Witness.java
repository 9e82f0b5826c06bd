package dev.gossamer.it.sim.judge;

import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.List;
import java.util.function.IntConsumer;

/** The daemon's exports, and between them and the connections somebody who sees in which order requests are taken. */
public final class Witness implements Exports {
    private final Exports below;
    private final Judge judge;

    public Witness(Exports below, Judge judge) {
        this.below = below;
        this.judge = judge;
    }

    @Override
    public Iterable<ExportInfo> list(Peer peer) {
        return below.list(peer);
    }

    @Override
    public int count(Peer peer) {
        return below.count(peer);
    }

    @Override
    public ExportInfo find(Peer peer, String name) {
        return below.find(peer, name);
    }

    @Override
    public List<String> metaContexts(Peer peer, String exportName) {
        return below.metaContexts(peer, exportName);
    }

    @Override
    public String metaContext(Peer peer, String exportName, String query) {
        return below.metaContext(peer, exportName, query);
    }

    @Override
    public OpenExport open(String name, List<MetaContext> contexts) {
        OpenExport export = below.open(name, contexts);
        return export == null ? null : new Seen(export, new SeenDevice(export.device(), judge));
    }

    private static final class SeenDevice extends ForwardingDevice {
        private final Judge judge;

        SeenDevice(BlockDevice below, Judge judge) {
            super(below);
            this.judge = judge;
        }

        @Override
        public long sizeBytes() {
            return below.sizeBytes();
        }

        @Override
        public void submit(BlockRequest request) {
            judge.taken(request);
            below.submit(request);
        }
    }

    private record Seen(OpenExport below, BlockDevice device) implements OpenExport {
        @Override
        public RateGate rates() {
            return below.rates();
        }

        @Override
        public String name() {
            return below.name();
        }

        @Override
        public String key() {
            return below.key();
        }

        @Override
        public boolean uses(String volume) {
            return below.uses(volume);
        }

        @Override
        public StatusContext[] contexts() {
            return below.contexts();
        }

        @Override
        public void queryStatus(StatusQuery query) {
            below.queryStatus(query);
        }

        @Override
        public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
            below.layout(loop, offsetBytes, lengthBytes, layout);
        }

        @Override
        public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
            below.prefetch(loop, offsetBytes, lengthBytes, answered);
        }

        @Override
        public void abandon() {
            below.abandon();
        }

        @Override
        public void close() {
            below.close();
        }
    }
}
