package dev.gossamer.thin.offline;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.build.LinearWriter;
import dev.gossamer.pdata.build.SharedLeaves;
import dev.gossamer.pdata.build.SpaceMapBuilder;
import dev.gossamer.pdata.build.TreeBuilder;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.spacemap.SpaceMapRoot;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.Mapping;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Builds a pool's metadata from what it is told (OT-38, OT-39): all but the superblock, which {@link OutputDevice}
 * writes when everything else is stable. Believes what it is told: {@link PoolRules} comes before it.
 */
public final class PoolBuilder implements PoolSink {
    private static final int MAX_WARNINGS = 20;
    private static final long BITMAP_ENTRIES = 16320;
    private static final long LEAF_ENTRIES = 252;

    private final LinearWriter out;
    private final Consumer<String> warnings;
    private final PackedCounts metadata;
    private final NodeView view = new NodeView();
    private final Map<Long, SharedLeaves> sharedRuns = new HashMap<>();
    private final Map<Long, long[]> devices = new TreeMap<>(Long::compareUnsigned);
    /** Metadata blocks of shared leaves whose mappings have been counted. */
    private final BitSet counted = new BitSet();

    private final List<String> warned = new ArrayList<>();

    private PackedCounts data;
    private Pool pool;
    private SharedLeaves currentRun;
    private long currentName;
    private TreeBuilder tree;
    private Device device;
    private long mapped;
    private long maxTime;
    /** Mappings for which the device has no room. */
    private long beyond;

    private PoolSuperblock superblock;

    private final TreeBuilder.LeafUse use = new TreeBuilder.LeafUse() {
        @Override
        public void own(long[] words, int count) {
            for (int i = 0; i < count; i++) {
                data.increment(Mapping.dataBlock(words[i]));
            }
        }

        @Override
        public void shared(long location) throws StorageException {
            useShared(location);
        }
    };

    /** @param warnings told of what is odd but kept */
    public PoolBuilder(LinearWriter out, Consumer<String> warnings) {
        this.out = out;
        this.warnings = warnings;
        metadata = new PackedCounts(out.blocks());
        metadata.increment(0);
    }

    @Override
    public void beginPool(Pool newPool) {
        pool = newPool;
        // A bitmap counts 16320 blocks: more than the device has bitmaps for need no memory here.
        long countable = Math.min(newPool.dataBlocks(), out.blocks() * BITMAP_ENTRIES);
        data = new PackedCounts(countable);
    }

    @Override
    public void beginShared(long name) {
        currentName = name;
        currentRun = new SharedLeaves(out);
    }

    @Override
    public void endShared() throws StorageException {
        currentRun.finish();
        sharedRuns.put(currentName, currentRun);
        currentRun = null;
    }

    @Override
    public void beginDevice(Device newDevice) {
        device = newDevice;
        seen(newDevice.snapshottedTime());
        if (!new DeviceDetails(0, newDevice.transactionId(), 0, 0).isCatalog()) {
            seen(newDevice.creationTime());
        }
        tree = new TreeBuilder(out, TreeKind.MAPPINGS, metadata, use);
        mapped = 0;
    }

    private void seen(long time) {
        if (time < Mapping.TIME_LIMIT) {
            maxTime = Math.max(maxTime, time);
        }
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws StorageException {
        maxTime = Math.max(maxTime, time);
        mapped += length;
        for (long i = 0; i < length; i++) {
            if (!out.isInside()) {
                beyond += length - i; // counted, but not looked at one by one
                return;
            }
            long packed = Mapping.pack(dataBlock + i, (int) time);
            if (currentRun != null) {
                currentRun.add(virtualBlock + i, packed);
            } else {
                tree.add(virtualBlock + i, packed);
            }
        }
    }

    @Override
    public void shared(long name) throws StorageException {
        SharedLeaves run = sharedRuns.get(name);
        run.addTo(tree);
        mapped += run.entries();
    }

    private void useShared(long location) throws StorageException {
        if (counted.get((int) location)) {
            return;
        }
        counted.set((int) location);
        if (view.look(out.read(location), 0, location) == null) {
            for (int i = 0; i < view.entries(); i++) {
                data.increment(Mapping.dataBlock(view.value(i)));
            }
        }
    }

    @Override
    public void endDevice() throws StorageException {
        if (mapped != device.mappedBlocks()) {
            warn("device " + device.id() + " is said to have " + Long.toUnsignedString(device.mappedBlocks())
                    + " mapped blocks, has " + mapped);
        }
        long root = tree.finish();
        devices.put(device.id(), new long[] {
            root, mapped, device.transactionId(), device.creationTime() | device.snapshottedTime() << Integer.SIZE
        });
        tree = null;
    }

    private void warn(String text) {
        if (warned.size() < MAX_WARNINGS) {
            warned.add(text);
            warnings.accept("warning: " + text);
        }
    }

    @Override
    public void endPool() throws StorageException {
        TreeBuilder.LeafUse plain = new TreeBuilder.LeafUse() {
            @Override
            public void own(long[] words, int count) {}

            @Override
            public void shared(long location) {}
        };
        TreeBuilder mappings = new TreeBuilder(out, TreeKind.DEVICES, metadata, plain);
        TreeBuilder details = new TreeBuilder(out, TreeKind.DETAILS, metadata, plain);
        for (Map.Entry<Long, long[]> one : devices.entrySet()) {
            long[] words = one.getValue();
            metadata.increment(words[0]);
            mappings.add(one.getKey(), words[0]);
            details.add(one.getKey(), new long[] {words[1], words[2], words[3]});
        }
        long mappingRoot = mappings.finish();
        metadata.increment(mappingRoot);
        long detailsRoot = details.finish();
        metadata.increment(detailsRoot);
        oddities();
        SpaceMapBuilder maps = new SpaceMapBuilder(out, metadata);
        SpaceMapRoot dataRoot = dataMap(maps);
        SpaceMapRoot metadataRoot = maps.metadata();
        superblock = PoolSuperblock.of(
                (int) Math.max(pool.time(), maxTime),
                pool.transactionId(),
                dataRoot,
                metadataRoot,
                mappingRoot,
                detailsRoot,
                (int) pool.dataBlockSectors());
    }

    private SpaceMapRoot dataMap(SpaceMapBuilder maps) throws StorageException {
        SpaceMapRoot root = maps.data(data);
        if (data.blocks() == pool.dataBlocks()) {
            return root;
        }
        // There is no room on the device for so many bitmaps, and that is what the caller is going to say.
        return new SpaceMapRoot(pool.dataBlocks(), root.allocated(), root.bitmapRoot(), root.overflowRoot());
    }

    private void oddities() {
        if (maxTime > pool.time()) {
            warn("the pool's time is " + pool.time() + ", but there is a mapping or device of time " + maxTime
                    + ": the pool gets that one");
        }
    }

    /** Metadata blocks that the pool needs, block 0 included; at least so many if it is more than there are. */
    public long neededBlocks() {
        long missingBitmaps = Math.ceilDiv(pool.dataBlocks() - data.blocks(), BITMAP_ENTRIES);
        return out.next() + missingBitmaps + Math.ceilDiv(beyond, LEAF_ENTRIES);
    }

    /** What block 0 is to say; after {@link #endPool}. */
    public PoolSuperblock superblock() {
        return superblock;
    }

    /** References to data blocks. */
    public PackedCounts dataCounts() {
        return data;
    }
}
