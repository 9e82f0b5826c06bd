package dev.gossamer.daemon.server.export;

import dev.gossamer.daemon.server.access.Mapped;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.ThinPool;
import dev.gossamer.thin.pool.ThinVolume;
import java.util.List;

/**
 * The volumes of a thin pool as NBD exports of the same names.
 */
public final class VolumeExports implements Exports {
    /** Flags that hold for every volume: all connections of a volume share one view of it (T52). */
    private static final int SHARED_FLAGS =
            NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH | NbdFlags.CAN_MULTI_CONN | NbdFlags.SEND_CACHE;

    private static final int WRITABLE_FLAGS = SHARED_FLAGS
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES
            | NbdFlags.SEND_FAST_ZERO;
    private static final int READ_ONLY_FLAGS = SHARED_FLAGS | NbdFlags.READ_ONLY;

    /** A volume serves any byte range itself. */
    private static final int MINIMUM_BLOCK_BYTES = 1;

    private static final int PREFERRED_BLOCK_LIMIT_BYTES = 1 << 20;

    /** What clients assume when they do not ask; longer transfers gain nothing. */
    public static final int MAXIMUM_PAYLOAD_BYTES = 32 << 20;

    private final ThinPool pool;
    private final int preferredBlockBytes;

    /** @param dataBlockBytes the pool's block size: requests of that size and alignment never copy for sharing */
    public VolumeExports(ThinPool pool, int dataBlockBytes) {
        this.pool = pool;
        this.preferredBlockBytes = preferredBlockBytes(dataBlockBytes);
    }

    /** What a volume is whatever its name. */
    public static String key(VolumeInfo volume) {
        return volume.uuid() == null ? "#" + volume.id() : volume.uuid().toString();
    }

    @Override
    public Iterable<ExportInfo> list(Peer peer) {
        boolean frozen = isFrozen();
        boolean trims = trims();
        return () -> new Mapped<>(pool.eachVolume(), volume -> describe(volume, frozen, trims, preferredBlockBytes));
    }

    @Override
    public int count(Peer peer) {
        return pool.volumeCount();
    }

    @Override
    public ExportInfo find(Peer peer, String name) {
        VolumeInfo volume = pool.volume(name);
        return volume == null ? null : describe(volume, isFrozen(), trims(), preferredBlockBytes);
    }

    @Override
    public List<String> metaContexts(Peer peer, String exportName) {
        return pool.statusContexts().list(exportName, "");
    }

    @Override
    public String metaContext(Peer peer, String exportName, String query) {
        // Resolved again, and held, when the export is opened.
        try (StatusContext context = pool.statusContexts().resolve(exportName, query)) {
            return context == null ? null : context.name();
        }
    }

    @Override
    public OpenExport open(String name, List<MetaContext> selected) {
        StatusContext[] contexts = new StatusContext[selected.size()];
        boolean complete = true;
        for (int i = 0; i < contexts.length; i++) {
            contexts[i] = pool.statusContexts().resolve(name, selected.get(i).name());
            complete &= contexts[i] != null;
        }
        ThinVolume volume = complete ? pool.openVolume(name) : null;
        if (volume != null) {
            return new VolumeExport(volume, contexts);
        }
        VolumeExport.closeAll(contexts);
        return null;
    }

    /** A client learns of a pool's mode when it connects, as a read-only export (rule M-9). */
    private boolean isFrozen() {
        return pool.mode().isFinal();
    }

    private boolean trims() {
        return pool.discardMode() != DiscardMode.IGNORE;
    }

    static ExportInfo describe(VolumeInfo volume, boolean frozen, boolean trims, int preferredBlockBytes) {
        String description = "thin volume " + volume.id();
        if (volume.isSnapshot()) {
            description += ", snapshot of " + volume.originId();
        }
        if (volume.uuid() != null) {
            // What a client knows the volume by when another one has got its name: see attach.
            description += ", uuid " + volume.uuid();
        }
        int flags = frozen || volume.readOnly() ? READ_ONLY_FLAGS : WRITABLE_FLAGS;
        return new ExportInfo(
                volume.name(),
                description,
                volume.sizeBytes(),
                trims ? flags : flags & ~NbdFlags.SEND_TRIM,
                MINIMUM_BLOCK_BYTES,
                preferredBlockBytes,
                MAXIMUM_PAYLOAD_BYTES);
    }

    /** The largest power of two that divides the block size, at most 1 MiB; block sizes are multiples of 64 KiB. */
    static int preferredBlockBytes(int dataBlockBytes) {
        return Math.min(Integer.lowestOneBit(dataBlockBytes), PREFERRED_BLOCK_LIMIT_BYTES);
    }
}
