package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.VolumeNames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * A tool that reads the devices and mappings of a pool: as they are, or of its metadata snapshot. A pool directory that
 * is being served is read through a metadata snapshot, without stopping it.
 */
abstract class MetadataTool extends OfflineTool {
    private static final String LIVE_HELD = "0";

    @Parameters(
            arity = "0..1",
            paramLabel = "METADATA",
            description = "File, block device, pool directory, NBD URI, or lvm:VG/LV.")
    private String metadata;

    @Option(
            names = {"-m", "--metadata-snap"},
            arity = "0..1",
            fallbackValue = LIVE_HELD,
            paramLabel = "BLOCK",
            description = "Use the metadata snapshot, perhaps one at this block; works while the pool is in use.")
    private String metadataSnap;

    /**
     * The state of a pool that is looked at.
     *
     * @param live the superblock
     * @param shown it, or the snapshot's copy
     */
    record View(ToolInput input, MetadataSource source, PoolSuperblock live, PoolSuperblock shown) {
        String name() {
            return input.name();
        }

        /** The pool's data, to be read. */
        ToolInput sibling(String data) throws StorageException {
            return input.sibling(data, ToolInput.Role.DATA, ToolInput.Access.READ);
        }

        /** Whether somebody may know the names of devices: of a plain file it takes the pool's data as well. */
        boolean hasNames(String data) {
            return data != null || input.isPool();
        }

        /** Names of devices, by id: as the pool's catalog has them, or LVM. */
        Map<Long, String> names(String data, List<PoolDump.Tree> devices) throws IOException {
            Map<Long, String> known = new HashMap<>();
            if (!hasNames(data)) {
                throw new StorageException(
                        Errno.EINVAL, name() + " alone has no names; give the pool's data, too: --data DEVICE");
            }
            try (ToolInput source =
                    input.sibling(data == null ? name() : data, ToolInput.Role.DATA, ToolInput.Access.READ_SHARED)) {
                known.putAll(new VolumeNames(source().feed(), blockBytes(), source.io(), devices).read());
            }
            known.putAll(input.namesOfLvm());
            return known;
        }

        /** What a volume is over, as the pool's catalog or LVM says; null: nothing that anybody knows of. */
        String origin(String data, long device) throws IOException {
            if (input.originsOfLvm().containsKey(device)) {
                return input.originsOfLvm().get(device);
            }
            try (ToolInput source =
                    input.sibling(data == null ? name() : data, ToolInput.Role.DATA, ToolInput.Access.READ_SHARED)) {
                List<PoolDump.Tree> readable = PoolDump.devices(
                        source().feed(), shown.mappingRoot(), shown.detailsRoot(), (id, low, high, reason) -> {});
                return new VolumeNames(source().feed(), blockBytes(), source.io(), readable)
                        .origins()
                        .get(device);
            }
        }

        /** The devices, by ascending id. */
        List<PoolDump.Tree> devices() throws IOException {
            return PoolDump.devices(source.feed(), shown.mappingRoot(), shown.detailsRoot(), null);
        }

        /** The device of an id. */
        PoolDump.Tree device(long id) throws IOException {
            return devices().stream()
                    .filter(tree -> tree.device().id() == id)
                    .findAny()
                    .orElseThrow(() -> new StorageException(
                            Errno.ENOENT, name() + " has no device " + id + "; 'gossamer ls' shows all"));
        }

        /** Data blocks, as many as its metadata device can count. */
        long countableDataBlocks() {
            long countable = source.feed().blocks() * dev.gossamer.pdata.spacemap.BitmapLayout.ENTRIES;
            return Math.clamp(live.dataMap().blocks(), 0, countable);
        }

        long blockBytes() throws IOException {
            if (!MetadataSource.isBlockSize(live.dataBlockSectors())) {
                throw new MetadataCorrupt("data blocks are said to have " + live.dataBlockSectors() + " sectors");
            }
            return (long) live.dataBlockSectors() * MetadataSource.sectorBytes();
        }
    }

    /** Does the work on an open pool. */
    abstract int run(View view) throws IOException, ToolFailed;

    /** Looks at the options, before anything is opened. */
    void checkUsage() {}

    @Override
    final int run() throws IOException, ToolFailed {
        if (metadata == null && metadataSnap != null) {
            metadata = metadataSnap; // -m took the word behind it
            metadataSnap = LIVE_HELD;
        }
        if (metadata == null) {
            throw wrongUsage("METADATA is missing");
        }
        checkUsage();
        ToolInput.Access access = metadataSnap == null ? ToolInput.Access.READ : ToolInput.Access.READ_SHARED;
        ToolInput input;
        try {
            input = ToolInput.open(metadata, ToolInput.Role.METADATA, access);
        } catch (StorageException e) {
            if (e.errno() == Errno.EBUSY && metadataSnap == null && ToolInput.isPoolDirectory(metadata)) {
                return runOnServed();
            }
            throw e;
        }
        try (input) {
            return run(input, metadataSnap);
        }
    }

    @SuppressWarnings("try") // The snapshot is held, not used.
    private int runOnServed() throws IOException, ToolFailed {
        try (ServedPool served = ServedPool.hold(new PoolDirectory(Path.of(metadata)));
                ToolInput input = ToolInput.open(metadata, ToolInput.Role.METADATA, ToolInput.Access.READ_SHARED)) {
            return run(input, LIVE_HELD);
        }
    }

    private int run(ToolInput input, String snapshot) throws IOException, ToolFailed {
        long blocks = MetadataSource.blocksOf(input.io());
        try (AheadReader feed = new AheadReader(input.io(), blocks, done -> {})) {
            MetadataSource source = new MetadataSource(input.name(), feed);
            PoolSuperblock live = source.superblock();
            warnOfUnknown(input.name(), live);
            warnOfLvm(input, live);
            PoolSuperblock shown = snapshot == null ? live : held(source, live, snapshot);
            return run(new View(input, source, live, shown));
        } catch (MetadataCorrupt e) {
            throw damageOf(input.name(), e);
        }
    }

    private PoolSuperblock held(MetadataSource source, PoolSuperblock live, String snapshot) throws IOException {
        long location;
        try {
            location = Long.parseLong(snapshot);
        } catch (NumberFormatException e) {
            throw wrongUsage("-m " + snapshot + ": that is no number of a metadata block");
        }
        location = location == 0 ? live.heldRoot() : location;
        if (location == 0) {
            throw new StorageException(Errno.ENOENT, source.name() + " has no metadata snapshot; reserve one first");
        }
        return source.held(location);
    }

    final String metadataName() {
        return metadata;
    }
}
