package dev.gossamer.daemon.server.export;

import dev.gossamer.daemon.server.access.Mapped;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import java.util.Iterator;
import java.util.List;

/**
 * A pool's volumes and other devices as one list of exports, volumes first. The empty name means a given
 * one, or the only export, if there is one. Devices have no metadata contexts.
 */
public final class CombinedExports implements Exports {
    private final VolumeExports volumes;
    private final DeviceSource devices;
    private final String defaultName;

    public CombinedExports(VolumeExports volumes, DeviceSource devices) {
        this(volumes, devices, "");
    }

    /** @param defaultName what the empty name stands for; empty for the only export there is */
    public CombinedExports(VolumeExports volumes, DeviceSource devices, String defaultName) {
        this.volumes = volumes;
        this.devices = devices;
        this.defaultName = defaultName;
    }

    @Override
    public String defaultName() {
        return defaultName;
    }

    @Override
    public Iterable<ExportInfo> list(Peer peer) {
        return () -> {
            Iterator<ExportInfo> shown = new Mapped<>(
                    volumes.list(peer).iterator(), volume -> devices.hidesVolume(volume.name()) ? null : volume);
            return new Chained<>(shown, devices.list().iterator());
        };
    }

    @Override
    public int count(Peer peer) {
        return volumes.count(peer) + devices.list().size();
    }

    /** Elements of one iteration, then of another. */
    private record Chained<T>(Iterator<T> first, Iterator<T> second) implements Iterator<T> {
        @Override
        public boolean hasNext() {
            return first.hasNext() || second.hasNext();
        }

        @Override
        public T next() {
            return first.hasNext() ? first.next() : second.next();
        }
    }

    @Override
    public ExportInfo find(Peer peer, String name) {
        if (name.isEmpty()) {
            return ExportDirectory.onlyOne(list(peer));
        }
        ExportInfo volume = devices.hidesVolume(name) ? null : volumes.find(peer, name);
        return volume == null ? devices.find(name) : volume;
    }

    @Override
    public List<String> metaContexts(Peer peer, String exportName) {
        return volumes.metaContexts(peer, exportName);
    }

    @Override
    public String metaContext(Peer peer, String exportName, String query) {
        return volumes.metaContext(peer, exportName, query);
    }

    @Override
    public OpenExport open(String name, List<MetaContext> contexts) {
        OpenExport volume = devices.hidesVolume(name) ? null : volumes.open(name, contexts);
        if (volume != null || !contexts.isEmpty()) {
            return volume;
        }
        BlockDevice device = devices.open(name);
        return device == null ? null : new DeviceExport(name, device);
    }
}
