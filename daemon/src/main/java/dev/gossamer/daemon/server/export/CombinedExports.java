package dev.gossamer.daemon.server.export;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import java.util.ArrayList;
import java.util.List;

/**
 * A pool's volumes and other devices as one list of exports, volumes first. The empty name means the only export, if
 * there is one. Devices have no metadata contexts.
 */
public final class CombinedExports implements Exports {
    private final VolumeExports volumes;
    private final DeviceSource devices;

    public CombinedExports(VolumeExports volumes, DeviceSource devices) {
        this.volumes = volumes;
        this.devices = devices;
    }

    @Override
    public List<ExportInfo> list(Peer peer) {
        List<ExportInfo> all = new ArrayList<>(volumes.list(peer).stream()
                .filter(export -> !devices.hidesVolume(export.name()))
                .toList());
        all.addAll(devices.list());
        return all;
    }

    @Override
    public ExportInfo find(Peer peer, String name) {
        if (name.isEmpty()) {
            List<ExportInfo> all = list(peer);
            return all.size() == 1 ? all.getFirst() : null;
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
