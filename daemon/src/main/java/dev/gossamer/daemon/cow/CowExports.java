package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.server.export.DeviceSource;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.ExportInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Origins and snapshots as NBD exports. On event loops; what it looks into is changed by {@link CowService}.
 *
 * @param origins by name, concurrent
 * @param storeVolumes the volumes of the pool that are stores, concurrent
 */
record CowExports(Map<String, OriginExport> origins, Set<String> storeVolumes) implements DeviceSource {
    @Override
    public List<ExportInfo> list() {
        return origins.values().stream()
                .flatMap(origin -> origin.exports().stream())
                .toList();
    }

    @Override
    public ExportInfo find(String export) {
        CowName name = parse(export);
        OriginExport origin = name == null ? null : origins.get(name.origin());
        return origin == null ? null : origin.export(name.snapshot());
    }

    @Override
    public BlockDevice open(String export) {
        CowName name = parse(export);
        OriginExport origin = name == null ? null : origins.get(name.origin());
        return origin == null ? null : origin.openExport(name.snapshot());
    }

    @Override
    public boolean hidesVolume(String volume) {
        return storeVolumes.contains(volume);
    }

    /** Null if this cannot be the name of an export of ours. */
    private static CowName parse(String export) {
        try {
            return CowName.parse(export);
        } catch (StorageException e) {
            return null;
        }
    }
}
