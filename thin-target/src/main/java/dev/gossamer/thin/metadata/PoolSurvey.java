package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.btree.BTree;
import dev.gossamer.pdata.btree.NodeLayout;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.pdata.scan.BlockFeed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through metadata that another program wrote last, before any of it is believed, and tells whose damage is what.
 *
 * <p>What a walk of one tree cannot know comes out here: a node or a data block that more refer to than its count says
 * (two volumes would take each other's data for their own), or a record that calls exclusive what is shared. All
 * volumes that meet such a place are damaged, for nobody can tell which of them is right; the others are not. Metadata
 * that this program wrote last has been through it, or was made here ({@link Superblock#isOwn}), so the price of
 * reading everything is paid once, as dm's own tools pay it whenever a pool is activated.
 *
 * <p>What it reads, it reads in bulk, by ascending location, but for inner nodes. Memory, until it is over: some 100
 * bytes for a node, and 64 KiB for each gibibyte of data in use.
 */
final class PoolSurvey {
    private static final Logger LOG = LoggerFactory.getLogger(PoolSurvey.class);

    /** Metadata blocks in use above which nobody wants to wait: 1 GiB. thin_check is the tool for such a pool. */
    static final long MAX_BLOCKS = 1 << 18;

    /** What a data block and a metadata block in use may cost while everything is looked at. */
    private static final long DATA_BLOCK_BYTES = 4;

    private static final long METADATA_BLOCK_BYTES = 256;

    /** The part of the heap that may go into it: a pool that is too large for that is for thin_check, too. */
    private static final int HEAP_PARTS = 4;

    /** Blocks kept from being given out; more than that are a damage of the pool. */
    private static final int MAX_SET_ASIDE = 1 << 14;

    private static final int NOTHING = -1;
    private static final int MAX_DEPTH = VolumeTrees.MAX_DEPTH;

    /**
     * What is known of the mappings below a node.
     *
     * @param damage null: they are sound
     * @param maxTime the latest of their times; {@link #NOTHING}: there is none
     * @param maxSharedTime the latest of those that another volume has too
     */
    private record Below(String damage, int maxTime, int maxSharedTime) {}

    private final LoadedPool pool;
    private final BlockingIo device;
    private final BlockManager blocks;
    private final Map<Long, String> badNodes = new HashMap<>();
    private final Map<Long, String> badData = new HashMap<>();
    private final Map<Long, Below> known = new HashMap<>();
    private final Set<Long> usedThoughFree = new HashSet<>();
    private final Map<Integer, String> damagedDevices = new HashMap<>();
    private final SurveyProgress progress;
    private SharedByVolumes shared;
    private String damage;
    private String snapshotDamage;
    private List<Damage> ofSnapshot = List.of();

    private PoolSurvey(LoadedPool pool, BlockingIo device) {
        this.pool = pool;
        this.device = device;
        this.blocks = pool.blocks;
        this.progress = new SurveyProgress(
                (pool.heldRoot == 0 ? 2 : 3) * pool.metadataMap.allocated(),
                System::nanoTime,
                line -> LOG.info("{}: {}", device.device(), line));
    }

    /**
     * Looks at everything, if another program wrote it last and it is not too much. Writes nothing.
     *
     * @param known what was found earlier: if that was in this metadata, nothing is looked at
     * @return {@link SurveyFindings#NONE} if the metadata is this program's
     */
    static SurveyFindings ifForeign(LoadedPool pool, BlockingIo device, SurveyFindings known) throws StorageException {
        if (!pool.isForeign()) {
            return SurveyFindings.NONE;
        }
        byte[] superblock = pool.superblockBytes();
        if (known.isOf(superblock)) {
            return known;
        }
        if (!fits(
                pool.dataMap.blocks(),
                pool.metadataMap.allocated(),
                Runtime.getRuntime().maxMemory())) {
            LOG.warn("the metadata, which another program wrote, is too large to be looked through; "
                    + "run thin_check on it before you trust it");
            return SurveyFindings.tooLarge(superblock);
        }
        return new PoolSurvey(pool, device).look(superblock);
    }

    static boolean fits(long dataBlocks, long metadataBlocks, long heapBytes) {
        long bytes = dataBlocks * DATA_BLOCK_BYTES + metadataBlocks * METADATA_BLOCK_BYTES;
        return metadataBlocks <= MAX_BLOCKS && bytes <= heapBytes / HEAP_PARTS;
    }

    private SurveyFindings look(byte[] superblock) throws StorageException {
        PoolCheck.scan(device, blocks.deviceBlocks(), reader -> {
            BlockFeed feed = progress.counted(reader);
            check(feed).forEach(this::sort);
            ofSnapshot.forEach(this::keepForSnapshot);
            lookAtLeaves(feed);
            return null;
        });
        for (int id : pool.devices.ids()) {
            String why = damage(id);
            if (why != null) {
                damagedDevices.put(id, why);
            }
        }
        // Not below any device: trees that all of them need.
        badNodes.keySet().removeAll(known.keySet());
        if (!badNodes.isEmpty()) {
            damage = badNodes.values().iterator().next();
            barBehindBadNodes();
        }
        boolean sound =
                damage == null && snapshotDamage == null && damagedDevices.isEmpty() && usedThoughFree.isEmpty();
        return new SurveyFindings(
                superblock, Map.copyOf(damagedDevices), damage, snapshotDamage, Set.copyOf(usedThoughFree), sound);
    }

    /**
     * All that is wrong with what volumes lead to. What the metadata snapshot leads to is wrong with the snapshot: it
     * shares most of that with volumes, so whatever is damaged may be in it as well, and what is in it alone costs
     * nobody else anything.
     */
    private List<Damage> check(BlockFeed feed) throws StorageException {
        try {
            List<Damage> all = PoolCheck.check(feed, pool.checkRoots());
            List<Damage> corrupt = all.stream()
                    .filter(found -> found.severity() == Damage.Severity.CORRUPTION)
                    .filter(found -> !(found instanceof Damage.BadDevice))
                    .toList();
            if (pool.heldRoot == 0 || corrupt.isEmpty()) {
                return all;
            }
            snapshotDamage = corrupt.getFirst().text();
            ofSnapshot = corrupt;
        } catch (StorageException e) {
            snapshotDamage = e.getMessage();
        }
        LOG.error("{}: the metadata snapshot is damaged: {}", device.device(), snapshotDamage);
        List<Damage> ofVolumes = new ArrayList<>(PoolCheck.check(feed, pool.committed.checkRootsOfVolumes()));
        // With the snapshot's references left out a block may look as if its count were right: whoever has such a
        // block could read, and write, what is another's.
        ofSnapshot.stream().filter(PoolSurvey::isCountedTooLow).forEach(ofVolumes::add);
        return ofVolumes;
    }

    private static boolean isCountedTooLow(Damage found) {
        return found instanceof Damage.BadOverflow || (found instanceof Damage.CountTooLow bad && bad.counted() > 0);
    }

    /** For whoever repairs it; as far as there is room beside what volumes use. */
    private void keepForSnapshot(Damage found) {
        if (found instanceof Damage.CountTooLow bad
                && bad.counted() == 0
                && bad.spaceMap() == SpaceMapName.DATA
                && usedThoughFree.size() < MAX_SET_ASIDE) {
            usedThoughFree.add(bad.block());
        }
    }

    /** What is looked up through a bad node may be another device's record, or another's tree. */
    private void barBehindBadNodes() throws StorageException {
        for (int id : pool.devices.ids()) {
            String why = badOnTheWay(pool.mappingRoot, id);
            why = why == null ? badOnTheWay(pool.devices.root(), id) : why;
            if (why != null) {
                damagedDevices.putIfAbsent(id, why);
            }
        }
    }

    private String badOnTheWay(long root, int id) throws StorageException {
        long location = root;
        String bad = badNodes.get(location);
        for (int depth = 0; bad == null && depth < MAX_DEPTH; depth++) {
            try {
                MetadataBlock node = blocks.read(location, BlockValidator.BTREE_NODE);
                NodeLayout.check(node);
                if (NodeLayout.isLeaf(node)) {
                    break;
                }
                location = NodeLayout.child(node, Math.max(0, NodeLayout.indexOf(node, id)));
                bad = badNodes.get(location);
            } catch (MetadataCorrupt e) {
                bad = e.getMessage();
            }
        }
        return bad;
    }

    /** Of what cannot be read here, {@link #look(long, int)} finds out why. */
    private void lookAtLeaves(BlockFeed feed) throws StorageException {
        long[] roots = rootsOf(pool.devices.ids());
        shared = sharing(feed, roots);
        VolumeTrees.walk(feed, roots, (location, isLeaf, values) -> {
            if (isLeaf) {
                lookAtLeaf(location, values);
            }
        });
    }

    /** Counts tell, unless others than volumes have references, to whom it makes no difference what is written. */
    private SharedByVolumes sharing(BlockFeed feed, long[] roots) throws StorageException {
        List<Integer> volumes = new ArrayList<>();
        for (int id : pool.devices.ids()) {
            if (!isRetired(id)) {
                volumes.add(id);
            }
        }
        return pool.heldRoot == 0 && volumes.size() == roots.length
                ? new SharedByVolumes.ByCounts(pool)
                : new SharedByVolumes.BesideOthers(pool, feed, rootsOf(volumes));
    }

    private boolean isRetired(int id) throws StorageException {
        try {
            return pool.devices.existing(id).isRetired();
        } catch (MetadataCorrupt e) {
            return false;
        }
    }

    private long[] rootsOf(List<Integer> ids) throws StorageException {
        long[] roots = new long[ids.size()];
        for (int i = 0; i < roots.length; i++) {
            roots[i] = rootOf(ids.get(i));
        }
        return roots;
    }

    private void lookAtLeaf(long location, long[] mappings) {
        try {
            String bad = badNodes.get(location);
            Below below = lookIntoLeaf(mappings);
            known.put(location, bad == null ? below : new Below(bad, NOTHING, NOTHING));
        } catch (StorageException e) {
            LOG.debug("{}: {}", device.device(), e.getMessage());
        }
    }

    private long rootOf(int id) throws StorageException {
        try {
            return pool.mappings.subtreeRoot(pool.mappingRoot, id);
        } catch (MetadataCorrupt e) {
            return BTree.NO_TREE;
        }
    }

    private void sort(Damage found) {
        switch (found) {
            case Damage.UnreadableBlock bad -> badNodes.put(bad.metadataBlock(), bad.text());
            case Damage.BadNode bad -> badNodes.put(bad.metadataBlock(), bad.text());
            case Damage.MappingBeyondDevice bad -> badNodes.put(bad.metadataBlock(), bad.text());
            case Damage.BadOverflow bad -> badCount(bad.spaceMap(), bad.block(), bad.text());
            case Damage.CountTooLow bad -> {
                badCount(bad.spaceMap(), bad.block(), bad.text());
                if (bad.counted() == 0) {
                    free(bad);
                }
            }
            case Damage.BadSuperblock bad -> damage = bad.text();
            case Damage.TooMuch bad -> damage = "the metadata is damaged all over: " + bad.text();
            case Damage.BadDevice bad -> {
                // A wrong number of mapped blocks is no harm, and a missing tree is met below.
            }
            case Damage.Leak bad -> {}
            case Damage.WrongHint bad -> {}
            case Damage.WrongRecord bad -> {}
        }
    }

    private void badCount(SpaceMapName map, long block, String text) {
        (map == SpaceMapName.DATA ? badData : badNodes).put(block, text);
    }

    /** In use and counted free: it must not be given out, or what is there is lost for good. */
    private void free(Damage.CountTooLow bad) {
        if (bad.spaceMap() == SpaceMapName.METADATA && isNode(bad.block())) {
            damage = bad.text();
        } else if (bad.spaceMap() == SpaceMapName.DATA) {
            if (usedThoughFree.size() < MAX_SET_ASIDE) {
                usedThoughFree.add(bad.block());
            } else {
                damage = bad.text();
            }
        }
    }

    private boolean isNode(long location) {
        try {
            NodeLayout.check(blocks.read(location, BlockValidator.BTREE_NODE));
            return true;
        } catch (StorageException e) {
            return false;
        }
    }

    private String damage(int id) throws StorageException {
        try {
            DeviceDetails details = pool.devices.existing(id);
            long root = pool.mappings.subtreeRoot(pool.mappingRoot, id);
            if (root == BTree.NO_TREE) {
                return "it has a record, but no mapping tree";
            }
            Below below = look(root, 0);
            if (below.damage != null) {
                return below.damage;
            }
            int latest = shared.isTree(id, root) ? below.maxTime : below.maxSharedTime;
            if (latest >= details.snapshottedTime() && !details.isRetired()) {
                return "it shares blocks that its record calls its own";
            }
            return below.maxTime > pool.time ? "it has mappings of a later time than the pool's" : null;
        } catch (MetadataCorrupt e) {
            return e.getMessage();
        }
    }

    private Below look(long location, int depth) throws StorageException {
        Below before = known.get(location);
        if (before == null) {
            // Should it lead back to itself.
            known.put(location, new Below("a node is its own descendant", NOTHING, NOTHING));
            before = lookOnce(location, depth);
            known.put(location, before);
        }
        return before;
    }

    /** Also below a damaged node: what is there is this device's damage, and nobody else's. */
    private Below lookOnce(long location, int depth) throws StorageException {
        String bad = badNodes.get(location);
        try {
            Below below = depth < MAX_DEPTH ? lookInto(location, depth) : new Below("too deep", NOTHING, NOTHING);
            return bad == null ? below : new Below(bad, NOTHING, NOTHING);
        } catch (MetadataCorrupt e) {
            return new Below(bad == null ? e.getMessage() : bad, NOTHING, NOTHING);
        }
    }

    private Below lookInto(long location, int depth) throws StorageException {
        MetadataBlock node = blocks.read(location, BlockValidator.BTREE_NODE);
        NodeLayout.check(node);
        progress.looked();
        boolean leaf = NodeLayout.isLeaf(node);
        long[] values = new long[NodeLayout.entries(node)];
        for (int i = 0; i < values.length; i++) {
            values[i] = NodeLayout.word(node, i, 0);
        }
        return leaf ? lookIntoLeaf(values) : lookIntoChildren(values, depth);
    }

    private Below lookIntoLeaf(long[] mappings) throws StorageException {
        int maxTime = NOTHING;
        int maxShared = NOTHING;
        String bad = null;
        for (long packed : mappings) {
            long dataBlock = Mapping.dataBlock(packed);
            bad = bad == null ? badData.get(dataBlock) : bad;
            maxTime = Math.max(maxTime, Mapping.time(packed));
            if (bad == null && shared.isBlock(dataBlock)) {
                maxShared = Math.max(maxShared, Mapping.time(packed));
            }
        }
        return new Below(bad, maxTime, maxShared);
    }

    private Below lookIntoChildren(long[] children, int depth) throws StorageException {
        int maxTime = NOTHING;
        int maxShared = NOTHING;
        String bad = null;
        for (long child : children) {
            Below below = look(child, depth + 1);
            bad = bad == null ? below.damage : bad;
            maxTime = Math.max(maxTime, below.maxTime);
            boolean isShared = bad == null && shared.isNode(child);
            maxShared = Math.max(maxShared, isShared ? below.maxTime : below.maxSharedTime);
        }
        return new Below(bad, maxTime, maxShared);
    }
}
