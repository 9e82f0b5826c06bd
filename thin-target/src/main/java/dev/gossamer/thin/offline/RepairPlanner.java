package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.scan.BlockFeed;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Works out what a candidate keeps and what it loses, by telling it to somebody who only counts (OT-32 to OT-35). */
final class RepairPlanner {
    private static final long MAX_DEVICE_ID = (1 << 24) - 1;

    private final BlockFeed feed;
    private final NodeCensus census;
    private final PoolSuperblock live;
    private final RepairSettings settings;
    private final long seenTime;

    /** @param seenTime the latest time of any device's details, of whatever state */
    RepairPlanner(BlockFeed feed, NodeCensus census, PoolSuperblock live, RepairSettings settings, long seenTime) {
        this.seenTime = seenTime;
        this.feed = feed;
        this.census = census;
        this.live = live;
        this.settings = settings;
    }

    /** Null: nothing can be kept of it. */
    RepairCandidate plan(String origin, long mappingRoot, long detailsRoot) throws IOException {
        List<RepairCandidate.Lost> lost = new ArrayList<>();
        Map<Long, Long> roots = new TreeMap<>();
        Map<Long, PoolSink.Device> details = new TreeMap<>();
        PoolDump.devicesOf(
                feed,
                mappingRoot,
                roots,
                (device, low, high, reason) -> lost.add(new RepairCandidate.Lost(-1, low, high, "devices: " + reason)));
        if (detailsRoot != 0) {
            PoolDump.forEachDetails(feed, detailsRoot, device -> details.put(device.id(), device));
        }
        roots.keySet().removeIf(id -> id < 0 || id > MAX_DEVICE_ID);
        if (roots.isEmpty() && !details.isEmpty()) {
            return null;
        }
        details.keySet().stream()
                .filter(id -> !roots.containsKey(id))
                .forEach(id -> lost.add(new RepairCandidate.Lost(id, 0, -1, "it has details, but no mapping tree")));
        List<PoolDump.Tree> trees = new ArrayList<>();
        roots.forEach((id, root) -> trees.add(new PoolDump.Tree(details.get(id), root)));
        List<Long> ids = new ArrayList<>(roots.keySet());
        long dataBlocks = dataBlocks(ids, trees);
        Told told = told(ids, trees, dataBlocks);
        lost.addAll(told.lost);
        PoolTally tally = told.tally;
        lost.addAll(missing(details, tally, lost));
        PoolSink.Pool pool = pool(tally, details, dataBlocks);
        List<PoolDump.Tree> kept = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            kept.add(new PoolDump.Tree(
                    device(ids.get(i), trees.get(i).device(), tally.mappings(ids.get(i)), pool),
                    trees.get(i).root()));
        }
        return new RepairCandidate(
                origin,
                pool,
                mappingRoot,
                detailsRoot,
                kept,
                lost,
                tally.mappings(),
                tally.sizing().blocks(dataBlocks),
                told.sharing,
                DoubleClaims.count(
                        feed, dataBlocks, kept.stream().map(PoolDump.Tree::root).toList()),
                List.of());
    }

    /** Devices that have fewer mappings than their details say, and nothing that tells where the others were. */
    private static List<RepairCandidate.Lost> missing(
            Map<Long, PoolSink.Device> details, PoolTally tally, List<RepairCandidate.Lost> lost) {
        List<RepairCandidate.Lost> missing = new ArrayList<>();
        for (PoolSink.Device device : details.values()) {
            long kept = tally.mappings(device.id());
            boolean told = lost.stream().anyMatch(range -> range.deviceId() == -1 || range.deviceId() == device.id());
            if (!told && kept < device.mappedBlocks()) {
                missing.add(new RepairCandidate.Lost(
                        device.id(),
                        0,
                        -1,
                        "it is said to have " + device.mappedBlocks() + " mappings, " + kept
                                + " can be read; where the others were nothing says"));
            }
        }
        return missing;
    }

    /** What is told of a candidate when it tells its devices. */
    private record Told(PoolTally tally, boolean sharing, List<RepairCandidate.Lost> lost) {}

    /** Without sharing where leaves that devices share are out of order: each drops others of their mappings then. */
    private Told told(List<Long> ids, List<PoolDump.Tree> trees, long dataBlocks) throws IOException {
        List<RepairCandidate.Lost> lost = new ArrayList<>();
        try {
            PoolTally tally = tally(ids, trees, dataBlocks, true, lost);
            if (lost.stream().noneMatch(range -> range.reason().equals(PoolDump.SECOND))) {
                return new Told(tally, true, lost);
            }
        } catch (BadPool e) {
            // as below
        }
        // Which of two mappings is in its place only a walk from the device's root can tell.
        lost.clear();
        return new Told(tally(ids, trees, dataBlocks, false, lost), false, lost);
    }

    private PoolTally tally(
            List<Long> ids,
            List<PoolDump.Tree> trees,
            long dataBlocks,
            boolean sharing,
            List<RepairCandidate.Lost> lost)
            throws IOException {
        PoolTally tally = new PoolTally();
        List<PoolDump.Tree> named = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            named.add(new PoolDump.Tree(
                    new PoolSink.Device(ids.get(i), 0, 0, 0, 0), trees.get(i).root()));
        }
        PoolSink.Pool any = new PoolSink.Pool(0, 0, false, PoolSuperblock.VERSION, 128, Long.MAX_VALUE);
        RepairCandidate whole = new RepairCandidate("", any, 0, 0, named, List.of(), 0, 0, sharing, 0, List.of());
        tell(feed, census, whole, dataBlocks, tally, lost);
        return tally;
    }

    /** Tells a sink what a candidate keeps. */
    static void tell(
            BlockFeed feed,
            NodeCensus census,
            RepairCandidate candidate,
            long dataBlocks,
            PoolSink sink,
            List<RepairCandidate.Lost> lost)
            throws IOException {
        PoolDump.Losses losses =
                (device, low, high, reason) -> lost.add(new RepairCandidate.Lost(device, low, high, reason));
        PoolDump.Choice choice = new PoolDump.Choice(Set.of(), true, candidate.sharing(), losses);
        PossibleMappings possible = new PossibleMappings(sink, dataBlocks, losses);
        new PoolDump(feed, possible, choice).withNodes(census::isNode).dump(candidate.pool(), candidate.devices());
    }

    /** As the superblock says; without one, as many as are mapped. */
    private long dataBlocks(List<Long> ids, List<PoolDump.Tree> trees) throws IOException {
        long known = settings.dataBlocks() == null ? 0 : settings.dataBlocks();
        if (live != null) {
            return Math.max(known, live.dataMap().blocks());
        }
        long highest =
                tally(ids, trees, Long.MAX_VALUE, false, new ArrayList<>()).highestDataBlock();
        return Math.max(known, highest + 1);
    }

    private PoolSink.Pool pool(PoolTally tally, Map<Long, PoolSink.Device> details, long dataBlocks)
            throws StorageException {
        long time = Math.max(live == null ? seenTime : Integer.toUnsignedLong(live.time()), tally.maxTime());
        long transactionId = live == null ? 0 : live.transactionId();
        for (PoolSink.Device device : details.values()) {
            if (live == null && isOrdinary(device.transactionId())) {
                transactionId = Math.max(transactionId, device.transactionId() + 1);
            }
        }
        if (settings.transactionId() != null) {
            transactionId = Math.max(transactionId, settings.transactionId());
        }
        return new PoolSink.Pool(
                Math.min(time, (1 << 24) - 1),
                transactionId,
                false,
                PoolSuperblock.VERSION,
                blockSectors(),
                dataBlocks);
    }

    /** Records of our own carry marks in place of a number. */
    private static boolean isOrdinary(long transactionId) {
        return transactionId >= 0 && transactionId < 1L << 56;
    }

    private int blockSectors() throws StorageException {
        if (settings.dataBlockSectors() != null) {
            return settings.dataBlockSectors();
        }
        if (live != null && MetadataSource.isBlockSize(live.dataBlockSectors())) {
            return live.dataBlockSectors();
        }
        for (PoolSuperblock copy : census.superblocks()) {
            return copy.dataBlockSectors();
        }
        throw new StorageException(
                Errno.EINVAL, "nothing says how large a data block is; give it with --data-block-size SECTORS");
    }

    private static PoolSink.Device device(long id, PoolSink.Device details, long mapped, PoolSink.Pool pool) {
        boolean catalog = details != null && !isOrdinary(details.transactionId());
        if (details == null
                || (!catalog && details.creationTime() > pool.time())
                || details.snapshottedTime() > pool.time()) {
            // Everything counts as shared: a copy too many, never one too few.
            return new PoolSink.Device(id, mapped, Math.max(0, pool.transactionId() - 1), pool.time(), pool.time());
        }
        long transactionId =
                catalog ? details.transactionId() : Math.min(details.transactionId(), pool.transactionId());
        return new PoolSink.Device(id, mapped, transactionId, details.creationTime(), details.snapshottedTime());
    }
}
