package dev.gossamer.pdata.check;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.pdata.spacemap.IndexEntry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The simple model of {@link MetadataCheck}, node by node and count by count. Checks a pool's committed metadata
 * against everything the format demands: checksums, shapes and order of nodes, every reference count of both devices,
 * free counts, device details. Reads only, and needs no working space map: it believes nothing that it has not counted
 * itself.
 *
 * <p>Memory: about 100 bytes per metadata block in use, and 4 bytes for each data block near one in use. One object,
 * one {@link #check}.
 */
public final class MetadataChecker {
    private static final int MAPPING_BYTES = 8;
    private static final int SUBTREE_BYTES = 8;
    private static final int DETAILS_BYTES = 24;
    private static final int OVERFLOW_BYTES = 4;
    /** A mapping is data block and time; the time has the lower 24 bits. */
    private static final int TIME_BITS = 24;

    final BlockManager blocks;
    final Findings damage = new Findings();
    final ReferenceTally metadataReferences;
    final Map<Long, TreeCheck.Visited> visited = new HashMap<>();
    private final ReferenceTally dataReferences;
    private final CheckRoots roots;
    private boolean complete = true;

    /** @param blocks the metadata device, with a cache of its own or one without uncommitted changes */
    public MetadataChecker(BlockManager blocks, CheckRoots roots) {
        this.blocks = blocks;
        this.roots = roots;
        this.metadataReferences = new ReferenceTally(blocks.deviceBlocks());
        this.dataReferences = new ReferenceTally(roots.data().blocks());
    }

    /** Walks everything. The list is empty if all is well. Counts are compared only if all trees could be read. */
    public List<Damage> check() {
        metadataReferences.add(0);
        checkDevices();
        if (roots.heldRoot() != 0) {
            checkHeld();
        }
        CountsCheck data = new CountsCheck(SpaceMapName.DATA, roots.data(), this);
        CountsCheck metadata = new CountsCheck(SpaceMapName.METADATA, roots.metadata(), this);
        walkOverflow(data, roots.data().overflowRoot(), "tree of large data counts");
        walkOverflow(metadata, roots.metadata().overflowRoot(), "tree of large metadata counts");
        walkDataIndex(data);
        readMetadataIndex(metadata);
        data.compare(dataReferences, complete);
        metadata.compare(metadataReferences, complete);
        return damage.list();
    }

    /** Reports a block that could not be looked into. */
    void unreadable(long location, String reason) {
        complete = false;
        damage.add(new Damage.UnreadableBlock(location, reason));
    }

    /** Reports a node whose children or values could not be looked at. */
    void skipped(String tree, long location, String reason) {
        complete = false;
        damage.add(new Damage.BadNode(tree, location, reason));
    }

    private void checkDevices() {
        Map<Long, long[]> details = new TreeMap<>();
        Map<Long, Long> subtrees = new TreeMap<>();
        TreeCheck detailsWalk = new TreeCheck(
                "device details", DETAILS_BYTES, this, (leaf, id, value) -> details.put(id, value.clone()));
        metadataReferences.add(roots.detailsRoot());
        boolean sound = detailsWalk.walk(roots.detailsRoot()).sound();
        metadataReferences.add(roots.mappingRoot());
        sound &= walkMappings(roots.mappingRoot(), subtrees);
        if (!sound) {
            return;
        }
        for (Map.Entry<Long, Long> device : subtrees.entrySet()) {
            long mapped = visited.get(device.getValue()).entries();
            long[] stored = details.remove(device.getKey());
            if (stored == null) {
                damage.add(new Damage.BadDevice(
                        device.getKey(), Damage.BadDevice.Kind.NO_DETAILS, "has mappings but no details"));
            } else if (stored[0] != mapped) {
                damage.add(new Damage.BadDevice(
                        device.getKey(),
                        Damage.BadDevice.Kind.MAPPED_BLOCKS,
                        "is said to have " + stored[0] + " mapped blocks, has " + mapped));
            }
        }
        for (Long id : details.keySet()) {
            damage.add(new Damage.BadDevice(id, Damage.BadDevice.Kind.NO_MAPPINGS, "has details but no mapping tree"));
        }
    }

    private void checkHeld() {
        metadataReferences.add(roots.heldRoot());
        try {
            blocks.read(roots.heldRoot(), BlockValidator.SUPERBLOCK);
        } catch (StorageException e) {
            unreadable(roots.heldRoot(), e.getMessage());
            return;
        }
        metadataReferences.add(roots.heldMappingRoot());
        walkMappings(roots.heldMappingRoot(), new TreeMap<>());
        metadataReferences.add(roots.heldDetailsRoot());
        new TreeCheck("device details", DETAILS_BYTES, this, (leaf, id, value) -> {}).walk(roots.heldDetailsRoot());
    }

    /** Fills in device id to subtree root, of leaves not visited before. */
    private boolean walkMappings(long root, Map<Long, Long> subtrees) {
        TreeCheck lower = new TreeCheck("mapping tree", MAPPING_BYTES, this, this::countMapping);
        boolean[] sound = {true};
        TreeCheck upper = new TreeCheck("tree of devices", SUBTREE_BYTES, this, (leaf, id, value) -> {
            metadataReferences.add(value[0]);
            subtrees.put(id, value[0]);
            sound[0] &= lower.walk(value[0]).sound();
        });
        boolean upperSound = upper.walk(root).sound();
        return upperSound && sound[0];
    }

    private void countMapping(long leaf, long virtualBlock, long[] value) {
        long dataBlock = value[0] >>> TIME_BITS;
        if (dataBlock >= roots.data().blocks()) {
            damage.add(new Damage.MappingBeyondDevice(leaf, virtualBlock, dataBlock));
        } else {
            dataReferences.add(dataBlock);
        }
    }

    private void walkOverflow(CountsCheck counts, long root, String tree) {
        metadataReferences.add(root);
        new TreeCheck(tree, OVERFLOW_BYTES, this, (leaf, block, value) -> counts.overflow.put(block, value[0]))
                .walk(root);
    }

    private void walkDataIndex(CountsCheck counts) {
        long root = roots.data().bitmapRoot();
        metadataReferences.add(root);
        TreeCheck walk = new TreeCheck("tree of data bitmaps", IndexEntry.BYTES, this, (leaf, number, value) -> {
            counts.index.put(number, IndexEntry.of(value[0], value[1]));
            metadataReferences.add(value[0]);
        });
        walk.walk(root);
    }

    private void readMetadataIndex(CountsCheck counts) {
        long location = roots.metadata().bitmapRoot();
        metadataReferences.add(location);
        try {
            MetadataBlock index = blocks.read(location, BlockValidator.INDEX);
            int bitmaps = Math.toIntExact(Math.ceilDiv(roots.metadata().blocks(), BitmapLayout.ENTRIES));
            for (int i = 0; i < bitmaps; i++) {
                int offset = MetadataBlock.HEADER_BYTES + IndexEntry.BYTES * i;
                IndexEntry entry = IndexEntry.of(index.getLong(offset), index.getLong(offset + Long.BYTES));
                counts.index.put((long) i, entry);
                metadataReferences.add(entry.location());
            }
        } catch (StorageException e) {
            unreadable(location, e.getMessage());
        }
    }
}
