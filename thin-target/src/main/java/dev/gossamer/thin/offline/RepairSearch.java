package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.Claims;
import dev.gossamer.pdata.scan.PackedCounts;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.scan.TreeScan;
import dev.gossamer.pdata.scan.TreeSums;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;

/**
 * Finds the states of a pool that damaged metadata still hold, best first (OT-30, OT-31): what the superblock leads to,
 * wherever its devices can be read, whatever else is broken; then pairs of trees that nothing leads to any more and
 * that fit each other, newest first; then trees of devices alone.
 */
public final class RepairSearch {
    private static final int MAX_CANDIDATES = 16;

    private static final TreeScan.Faults UNHEARD = new TreeScan.Faults() {
        @Override
        public void lost(TreeKind tree, long location, String reason) {}

        @Override
        public void misplaced(TreeKind tree, long location, String reason) {}

        @Override
        public void bad(TreeKind tree, long location, String reason) {}
    };

    /** Two trees that could belong together, and how well. */
    private record Pair(String origin, long mappingRoot, long detailsRoot, long time, long mappings) {}

    private record Details(long root, List<Long> ids, long mapped, long time) {}

    private final MetadataSource source;
    private final BlockFeed feed;
    private final RepairSettings settings;
    private final NodeCensus census;
    private final PoolSuperblock live;
    private final Map<Long, Long> entriesOf = new HashMap<>();
    private final IdentityHashMap<RepairCandidate, Map<Long, NavigableMap<Long, SalvagedMappings.Leaf>>> salvaged =
            new IdentityHashMap<>();
    private long seenTime;

    /**
     * Reads the whole device.
     *
     * @throws UnknownFeatures if this version cannot tell what it would find
     */
    public RepairSearch(MetadataSource source, RepairSettings settings) throws UnknownFeatures {
        this.source = source;
        this.feed = source.feed();
        this.settings = settings;
        census = new NodeCensus(feed);
        PoolSuperblock found = null;
        try {
            found = source.superblock();
        } catch (UnknownFeatures e) {
            throw e;
        } catch (NoPool e) {
            // It is searched for without.
        }
        live = found;
    }

    /**
     * All candidates, best first.
     *
     * @throws StorageException if there is none, or nothing says how large a data block is
     */
    public List<RepairCandidate> candidates() throws IOException {
        List<RepairCandidate> found = new ArrayList<>();
        List<Pair> pairs = pairs();
        RepairPlanner planner = new RepairPlanner(feed, census, live, settings, seenTime);
        for (Pair pair : pairs) {
            if (found.size() == MAX_CANDIDATES) {
                break;
            }
            RepairCandidate candidate = planner.plan(pair.origin, pair.mappingRoot, pair.detailsRoot);
            if (candidate != null) {
                found.add(candidate);
            }
        }
        if (found.isEmpty()) {
            String foreign = live == null ? source.foreign() : null;
            String nothing = " has nothing that could be a pool: no tree of devices can be read";
            throw live == null
                    ? new NoPool(source.name() + (foreign == null ? nothing : " " + foreign))
                    : new StorageException(Errno.EINVAL, source.name() + nothing);
        }
        return found;
    }

    /** The superblock; null: there is none that is intact. */
    public PoolSuperblock live() {
        return live;
    }

    /** The best candidate. */
    public RepairCandidate best() throws IOException {
        return candidates().getFirst();
    }

    /** Tells a sink what a candidate keeps. */
    public void tell(RepairCandidate candidate, PoolSink sink) throws IOException {
        PoolSink told = candidate.salvaged().isEmpty() ? sink : new SalvagedMappings(sink, salvaged.get(candidate));
        RepairPlanner.tell(feed, census, candidate, candidate.pool().dataBlocks(), told, new ArrayList<>());
    }

    /**
     * A candidate whose lost ranges are filled from leaves that nothing kept leads to, as far as there are any (OT-33).
     * What devices share is not shared any more: each has mappings of its own.
     */
    public RepairCandidate salvaged(RepairCandidate candidate) throws IOException {
        List<RepairCandidate.Lost> lost = new ArrayList<>();
        candidate.lost().stream()
                .filter(range -> candidate.devices().stream()
                        .noneMatch(tree -> tree.device().id() == range.deviceId()))
                .forEach(lost::add);
        RepairCandidate apart = candidate.with(false, candidate.lost(), List.of(), candidate.devices(), 0, 0);
        RepairPlanner.tell(feed, census, apart, candidate.pool().dataBlocks(), new PoolTally(), lost);
        apart = apart.with(false, lost, List.of(), candidate.devices(), 0, 0);
        Map<Long, NavigableMap<Long, SalvagedMappings.Leaf>> leaves = new Salvage(feed, census, apart).find();
        List<RepairCandidate.Salvaged> found = new ArrayList<>();
        leaves.forEach((device, own) -> own.values()
                .forEach(leaf -> found.add(new RepairCandidate.Salvaged(
                        device, leaf.keys()[0], leaf.last(), leaf.keys().length, leaf.location(), leaf.time()))));
        if (found.isEmpty()) {
            return candidate;
        }
        found.sort(Comparator.comparingLong(RepairCandidate.Salvaged::deviceId)
                .thenComparing(RepairCandidate.Salvaged::first, Long::compareUnsigned));
        PoolTally tally = new PoolTally();
        RepairPlanner.tell(
                feed,
                census,
                apart,
                candidate.pool().dataBlocks(),
                new SalvagedMappings(tally, leaves),
                new ArrayList<>());
        List<PoolDump.Tree> devices = candidate.devices().stream()
                .map(tree -> tree.withMappings(tally.mappings(tree.device().id())))
                .toList();
        RepairCandidate filled = candidate.with(
                false,
                lost,
                found,
                devices,
                tally.mappings(),
                tally.sizing().blocks(candidate.pool().dataBlocks()));
        salvaged.put(filled, leaves);
        return filled;
    }

    private List<Pair> pairs() throws IOException {
        List<Pair> pairs = new ArrayList<>();
        if (live != null && census.isNode(live.mappingRoot())) {
            long details = census.isNode(live.detailsRoot()) ? live.detailsRoot() : 0;
            pairs.add(new Pair("the superblock's roots", live.mappingRoot(), details, Long.MAX_VALUE, 0));
        }
        List<Details> details = new ArrayList<>();
        for (long root : census.detailsRoots()) {
            details.add(details(root));
            seenTime = Math.max(seenTime, details.getLast().time);
        }
        List<Pair> matching = new ArrayList<>();
        List<Pair> alone = new ArrayList<>();
        for (long root : census.deviceRoots()) {
            List<Long> ids = new ArrayList<>();
            List<Long> trees = new ArrayList<>();
            PoolDump.forEachDevice(feed, root, (id, tree) -> {
                ids.add(id);
                trees.add(tree);
            });
            boolean live0 = live != null && root == live.mappingRoot();
            if (live0 || trees.isEmpty() || !trees.stream().allMatch(census::isNode)) {
                continue;
            }
            long mappings = entries(trees);
            details.stream()
                    .filter(one -> one.ids.equals(ids) && one.mapped == mappings)
                    .forEach(one ->
                            matching.add(new Pair("trees of an earlier state", root, one.root, one.time, mappings)));
            alone.add(new Pair("a tree of devices without details", root, 0, 0, mappings));
        }
        Comparator<Pair> order = Comparator.comparingLong(Pair::time)
                .thenComparingLong(Pair::mappings)
                .reversed();
        matching.sort(order);
        pairs.addAll(matching);
        if (pairs.isEmpty()) {
            alone.sort(order);
            pairs.addAll(alone);
        }
        return pairs;
    }

    private Details details(long root) throws IOException {
        List<Long> ids = new ArrayList<>();
        long[] sums = new long[2];
        PoolDump.forEachDetails(feed, root, device -> {
            ids.add(device.id());
            sums[0] += device.mappedBlocks();
            sums[1] = Math.max(sums[1], Math.max(device.creationTime(), device.snapshottedTime()));
        });
        return new Details(root, ids, sums[0], sums[1]);
    }

    /** Mappings that can be read below roots; each tree is added up once. */
    private long entries(List<Long> trees) {
        List<Long> fresh = trees.stream()
                .filter(tree -> !entriesOf.containsKey(tree))
                .distinct()
                .toList();
        if (!fresh.isEmpty()) {
            TreeScan scan = new TreeScan(
                    TreeKind.MAPPINGS,
                    feed,
                    new Claims(feed.blocks()),
                    new PackedCounts(feed.blocks()),
                    leaf -> {},
                    UNHEARD);
            fresh.forEach(scan::addRoot);
            scan.run();
            TreeSums sums = new TreeSums(scan);
            fresh.forEach(tree -> entriesOf.put(tree, sums.of(tree).entries()));
        }
        return trees.stream().mapToLong(entriesOf::get).sum();
    }
}
