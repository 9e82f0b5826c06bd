package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.scan.BlockFeed;
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
    /** Details that fit one tree of devices: more of them differ in nothing that tells which is right. */
    private static final int ALIKE = 4;

    private static final String LIVE = "the superblock's roots";

    /** Two trees that could belong together, and how well. */
    private record Pair(String origin, long mappingRoot, long detailsRoot, long time, long mappings) {}

    /** What a tree of devices and their details have to have in common: which devices, and how many mappings. */
    private record Sums(long ids, long mappings) {}

    private record Details(long root, Sums sums, long time) {}

    private final MetadataSource source;
    private final BlockFeed feed;
    private final RepairSettings settings;
    private final NodeCensus census;
    private final PoolSuperblock live;
    private final NodeSums sums;
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
        sums = new NodeSums(feed);
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
                found.add(pair.origin.equals(LIVE) ? candidate : candidate.with(laterOne()));
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

    /** What a state that nothing leads to may lack: it is never taken without a word. */
    private RepairCandidate.Lost laterOne() {
        return new RepairCandidate.Lost(
                -1,
                0,
                -1,
                live == null
                        ? "without a superblock nothing says whether this is the newest state: what was changed later"
                                + " is not in it"
                        : "this is an earlier state: what was changed later is not in it");
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
            pairs.add(new Pair(LIVE, live.mappingRoot(), details, Long.MAX_VALUE, 0));
        }
        Map<Sums, List<Details>> details = new HashMap<>();
        for (long root : census.detailsRoots()) {
            Details one = details(root);
            seenTime = Math.max(seenTime, one.time);
            keepLatest(details.computeIfAbsent(one.sums, sums -> new ArrayList<>()), one);
        }
        List<Pair> matching = new ArrayList<>();
        List<Pair> alone = new ArrayList<>();
        for (long root : census.deviceRoots()) {
            Ids ids = new Ids();
            long[] mappings = new long[1];
            boolean[] whole = {live == null || root != live.mappingRoot()};
            PoolDump.forEachDevice(feed, root, (id, tree) -> {
                ids.add(id);
                whole[0] &= census.isNode(tree);
                mappings[0] += whole[0] ? sums.entries(tree) : 0;
            });
            if (!whole[0] || ids.isEmpty()) {
                continue;
            }
            details.getOrDefault(new Sums(ids.sum(), mappings[0]), List.of())
                    .forEach(one ->
                            matching.add(new Pair("trees of an earlier state", root, one.root, one.time, mappings[0])));
            alone.add(new Pair("a tree of devices without details", root, 0, 0, mappings[0]));
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

    private static void keepLatest(List<Details> alike, Details one) {
        alike.add(one);
        alike.sort(Comparator.comparingLong(Details::time).reversed());
        if (alike.size() > ALIKE) {
            alike.removeLast();
        }
    }

    private Details details(long root) throws IOException {
        Ids ids = new Ids();
        long[] sums = new long[2];
        PoolDump.forEachDetails(feed, root, device -> {
            ids.add(device.id());
            sums[0] += device.mappedBlocks();
            sums[1] = Math.max(sums[1], Math.max(device.creationTime(), device.snapshottedTime()));
        });
        return new Details(root, new Sums(ids.sum(), sums[0]), sums[1]);
    }

    /** Stands for a list of devices: a device keeps more of its past than memory has room for their lists. */
    private static final class Ids {
        private static final long STEP = 0x9E3779B97F4A7C15L;

        private long count;
        private long mixed;

        void add(long id) {
            count++;
            mixed = Long.rotateLeft(mixed, 23) * STEP + id + 1;
        }

        boolean isEmpty() {
            return count == 0;
        }

        long sum() {
            return mixed ^ count;
        }
    }
}
