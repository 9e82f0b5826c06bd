package dev.gossamer.pdata.check;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.Claims;
import dev.gossamer.pdata.scan.DeviceTrees;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.scan.TreeScan;
import dev.gossamer.pdata.scan.TreeSums;
import dev.gossamer.pdata.spacemap.IndexEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Checks a pool's committed metadata against everything the format demands: checksums, shapes and order of nodes, every
 * reference count of both devices, free counts, device details. Reads only, each block in use once and by ascending
 * location, and believes nothing that it has not counted itself.
 *
 * <p>Memory: 25 bytes for each metadata block, a quarter of a byte for each data block near one in use, some hundred
 * for each device. One object, one {@link #check}, one thread.
 */
public final class MetadataCheck {
    /** A mapping is data block and time; the time has the lower 24 bits. */
    private static final int TIME_BITS = 24;

    private static final int TIME_MASK = (1 << TIME_BITS) - 1;
    private static final int INDEX_HEADER_BYTES = 16;
    private static final int INDEX_ENTRIES = 255;

    private final BlockFeed feed;
    private final CheckRoots roots;
    private final CheckScope scope;
    private final Findings damage = new Findings();
    private final Claims claims;
    private final PackedCounts metadataReferences;
    private PackedCounts dataReferences = new PackedCounts(0);
    private final TreeScan.Faults faults = new TreeScan.Faults() {
        @Override
        public void lost(TreeKind tree, long location, String reason) {
            complete = false;
            damage.add(new Damage.UnreadableBlock(location, reason));
        }

        @Override
        public void misplaced(TreeKind tree, long location, String reason) {
            complete = false;
            damage.add(new Damage.BadNode(tree.toString(), location, reason));
        }

        @Override
        public void bad(TreeKind tree, long location, String reason) {
            damage.add(new Damage.BadNode(tree.toString(), location, reason));
        }
    };
    private final TreeScan mappings;
    private final TreeScan upper;
    private final TreeSums sums;
    private boolean complete = true;
    private int maxTime = -1;

    /** @param feed the metadata device, where nothing that the roots lead to changes meanwhile */
    public MetadataCheck(BlockFeed feed, CheckRoots roots, CheckScope scope) {
        this.feed = feed;
        this.roots = roots;
        this.scope = scope;
        claims = new Claims(feed.blocks());
        metadataReferences = new PackedCounts(feed.blocks());
        mappings = scan(TreeKind.MAPPINGS, this::countMappings);
        upper = scan(TreeKind.DEVICES, this::addDevices);
        sums = new TreeSums(mappings);
    }

    private TreeScan scan(TreeKind kind, TreeScan.Leaves leaves) {
        return new TreeScan(kind, feed, claims, metadataReferences, leaves, faults);
    }

    /** Looks at everything. Without damage all is well. */
    public CheckResult check() {
        metadataReferences.increment(0);
        SpaceMapCheck data = null;
        SpaceMapCheck metadata = null;
        if (scope != CheckScope.HELD) {
            data = new SpaceMapCheck(SpaceMapName.DATA, roots.data(), feed, damage);
            metadata = new SpaceMapCheck(SpaceMapName.METADATA, roots.metadata(), feed, damage);
            readSpaceMaps(data, metadata);
            dataReferences = new PackedCounts(data.countable());
        }
        List<DeviceSum> devices = checkTrees();
        if (scope == CheckScope.ALL) {
            data.compare(dataReferences, complete);
            metadata.compare(metadataReferences, complete);
        }
        return new CheckResult(damage.list(), devices, complete, maxTime, dataReferences, metadataReferences);
    }

    private List<DeviceSum> checkTrees() {
        boolean heldOnly = scope == CheckScope.HELD;
        long mappingRoot = heldOnly ? roots.heldMappingRoot() : roots.mappingRoot();
        long detailsRoot = heldOnly ? roots.heldDetailsRoot() : roots.detailsRoot();
        TreeScan details = scan(TreeKind.DETAILS, leaf -> {});
        upper.addRoot(mappingRoot);
        details.addRoot(detailsRoot);
        if (roots.heldRoot() != 0 && !heldOnly) {
            metadataReferences.increment(roots.heldRoot());
            if (roots.heldMappingRoot() == 0) {
                complete = false; // who gave the roots has told why
            } else {
                upper.addRoot(roots.heldMappingRoot());
                details.addRoot(roots.heldDetailsRoot());
            }
        }
        details.run();
        upper.run();
        if (scope != CheckScope.NO_MAPPINGS) {
            mappings.run();
        }
        return sumDevices(mappingRoot, detailsRoot, details);
    }

    private void addDevices(NodeView leaf) {
        for (int i = 0; i < leaf.entries(); i++) {
            if (scope == CheckScope.NO_MAPPINGS) {
                continue;
            }
            mappings.addRoot(leaf.value(i));
        }
    }

    private void countMappings(NodeView leaf) {
        long blocks = roots.data().blocks();
        boolean counting = scope == CheckScope.ALL;
        for (int i = 0; i < leaf.entries(); i++) {
            long packed = leaf.value(i);
            long block = packed >>> TIME_BITS;
            maxTime = Math.max(maxTime, (int) packed & TIME_MASK);
            if (!counting) {
                continue;
            }
            if (Long.compareUnsigned(block, blocks) >= 0) {
                damage.add(new Damage.MappingBeyondDevice(leaf.location(), leaf.key(i), block));
            } else {
                dataReferences.increment(block);
            }
        }
    }

    private List<DeviceSum> sumDevices(long mappingRoot, long detailsRoot, TreeScan details) {
        TreeSums upperSums = new TreeSums(upper);
        boolean sound = upperSums.of(mappingRoot).sound();
        sound &= new TreeSums(details).of(detailsRoot).sound();
        TreeMap<Long, long[]> stored = new TreeMap<>();
        TreeMap<Long, Long> trees = new TreeMap<>();
        try {
            DeviceTrees.forEachDetails(
                    feed, detailsRoot, (id, leaf, index) -> stored.put(id, new long[] {leaf.value(index)}));
            DeviceTrees.forEachDevice(feed, mappingRoot, (id, leaf, index) -> trees.put(id, leaf.value(index)));
        } catch (IOException e) {
            throw new AssertionError("nothing here throws it", e);
        }
        List<DeviceSum> devices = new ArrayList<>();
        trees.forEach((id, root) -> {
            TreeSums.Sum sum = scope == CheckScope.NO_MAPPINGS ? null : sums.of(root);
            long[] details0 = stored.remove(id);
            long said = details0 == null ? DeviceSum.NO_DETAILS : details0[0];
            long counted = sum == null ? said : sum.entries();
            devices.add(new DeviceSum(id, root, said, counted, sum == null || sum.sound()));
        });
        stored.forEach((id, said) -> devices.add(new DeviceSum(id, 0, said[0], 0, true)));
        devices.sort((one, other) -> Long.compareUnsigned(one.id(), other.id()));
        if (sound) {
            devices.forEach(this::compareDevice);
        }
        return devices;
    }

    private void compareDevice(DeviceSum device) {
        if (device.root() == 0) {
            damage.add(new Damage.BadDevice(
                    device.id(), Damage.BadDevice.Kind.NO_MAPPINGS, "has details but no mapping tree"));
        } else if (device.stored() == DeviceSum.NO_DETAILS) {
            damage.add(
                    new Damage.BadDevice(device.id(), Damage.BadDevice.Kind.NO_DETAILS, "has mappings but no details"));
        } else if (device.sound() && device.stored() != device.counted()) {
            damage.add(new Damage.BadDevice(
                    device.id(),
                    Damage.BadDevice.Kind.MAPPED_BLOCKS,
                    "is said to have " + device.stored() + " mapped blocks, has " + device.counted()));
        }
    }

    /** Tells which virtual blocks of a device are lost, as ranges; after {@link #check}. */
    public void lostRanges(DeviceSum device, TreeSums.LostRanges lost) {
        if (!device.sound()) {
            sums.lostRanges(device.root(), lost);
        }
    }

    private void readSpaceMaps(SpaceMapCheck data, SpaceMapCheck metadata) {
        readOverflow(TreeKind.DATA_COUNTS, roots.data().overflowRoot(), data);
        readOverflow(TreeKind.METADATA_COUNTS, roots.metadata().overflowRoot(), metadata);
        TreeScan bitmaps = scan(TreeKind.DATA_BITMAPS, leaf -> {
            for (int i = 0; i < leaf.entries(); i++) {
                data.addBitmap(leaf.key(i), leaf.value(i), leaf.word(i, 1));
                metadataReferences.increment(leaf.value(i));
            }
        });
        bitmaps.addRoot(roots.data().bitmapRoot());
        bitmaps.run();
        new TreeSums(bitmaps).of(roots.data().bitmapRoot());
        readIndex(metadata);
    }

    private void readOverflow(TreeKind kind, long root, SpaceMapCheck counts) {
        TreeScan tree = scan(kind, leaf -> {
            for (int i = 0; i < leaf.entries(); i++) {
                if (leaf.key(i) != -1) {
                    counts.overflow.put(leaf.key(i), leaf.value(i));
                }
            }
        });
        tree.addRoot(root);
        tree.run();
        new TreeSums(tree).of(root);
    }

    private void readIndex(SpaceMapCheck metadata) {
        long location = roots.metadata().bitmapRoot();
        if (location <= 0 || location >= feed.blocks()) {
            faults.lost(
                    null,
                    location,
                    "metadata block " + Long.toUnsignedString(location)
                            + " (bitmap index) lies beyond the metadata device of " + feed.blocks() + " blocks");
            return;
        }
        metadataReferences.increment(location);
        BlockProof proof = new BlockProof();
        long bitmaps =
                Math.min(INDEX_ENTRIES, Long.divideUnsigned(roots.metadata().blocks() + 16319, 16320));
        feed.feed(location, new BlockFeed.Visitor() {
            @Override
            public void block(long block, ByteBuffer bytes, int offset) {
                String fault = proof.fault(bytes, offset, location, BlockValidator.INDEX);
                if (fault != null) {
                    unreadable(location, fault);
                    return;
                }
                for (int i = 0; i < bitmaps; i++) {
                    int at = offset + INDEX_HEADER_BYTES + IndexEntry.BYTES * i;
                    metadata.addBitmap(i, bytes.getLong(at), bytes.getLong(at + Long.BYTES));
                    metadataReferences.increment(bytes.getLong(at));
                }
            }

            @Override
            public void unreadable(long block, String reason) {
                faults.lost(null, location, reason);
            }
        });
    }
}
