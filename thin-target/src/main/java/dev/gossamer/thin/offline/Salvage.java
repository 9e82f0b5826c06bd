package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Fills lost ranges of devices from leaves that no kept tree leads to (OT-33): earlier states of what is lost, most
 * often. A leaf fits if all its keys lie in one lost range, all its times are not later than the device's last
 * snapshot, and no kept mapping has any of its data blocks, but for one that shares it as a snapshot does: at the same
 * place, from the same time, of a device that copies before it writes there. Its data may be another state's all the
 * same: whoever asks for it is told of every leaf.
 *
 * <p>Memory: what the leaves that fit hold, of at most {@value #MAX_LEAVES}.
 */
final class Salvage {
    /** 64 MiB of mappings: a lost tree of two million blocks. */
    private static final int MAX_LEAVES = 16_384;

    private static final long KEPT = -1;
    private static final long SHARED = -2;

    /** A leaf that fits a lost range of a device. */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    private record Fit(long deviceId, long location, long[] keys, long[] values, long time) {
        long first() {
            return keys[0];
        }

        long last() {
            return keys[keys.length - 1];
        }
    }

    private final BlockFeed feed;
    private final NodeCensus census;
    private final RepairCandidate candidate;
    private final Map<Long, TreeMap<Long, RepairCandidate.Lost>> lost = new HashMap<>();
    private final Map<Long, Long> latest = new HashMap<>();
    private final List<Fit> fits = new ArrayList<>();
    private long[] dataBlocks;
    /** Who has each of the data blocks: 0 nobody, {@link #KEPT}, {@link #SHARED} or a leaf. */
    private long[] owners;
    /** Where a shared one is mapped, and from when. */
    private long[] places;

    private long[] times;

    /** @param candidate one that tells every device's mappings with the device: without sharing */
    Salvage(BlockFeed feed, NodeCensus census, RepairCandidate candidate) {
        this.feed = feed;
        this.census = census;
        this.candidate = candidate;
    }

    /** The mappings that fill what is lost, of each device by ascending block. */
    Map<Long, NavigableMap<Long, SalvagedMappings.Leaf>> find() throws IOException {
        for (RepairCandidate.Lost range : candidate.lost()) {
            if (range.deviceId() >= 0) {
                lost.computeIfAbsent(range.deviceId(), id -> new TreeMap<>(Long::compareUnsigned))
                        .put(range.first(), range);
            }
        }
        for (PoolDump.Tree tree : candidate.devices()) {
            latest.put(tree.device().id(), tree.device().snapshottedTime());
        }
        lost.keySet().retainAll(latest.keySet());
        if (!lost.isEmpty()) {
            findFits(keptLeaves());
            findOwners();
        }
        return choose();
    }

    private BlockSet keptLeaves() throws IOException {
        BlockSet kept = new BlockSet(feed.blocks());
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (PoolDump.Tree tree : candidate.devices()) {
            walk.walk(tree.root(), new OrderedWalk.Visitor() {
                @Override
                public boolean wants(long leaf) {
                    return !kept.contains(leaf);
                }

                @Override
                public void leaf(NodeView leaf, long low, long high) {
                    kept.add(leaf.location());
                }

                @Override
                public void lost(long location, long low, long high, String reason) {}
            });
        }
        return kept;
    }

    private void findFits(BlockSet kept) {
        BlockSet wanted = new BlockSet(feed.blocks());
        for (long location = 1; location < feed.blocks(); location++) {
            if (census.isMappings(location) && !kept.contains(location)) {
                wanted.add(location);
            }
        }
        NodeView node = new NodeView();
        feed.feed(wanted, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                if (node.load(bytes, offset, location) == null && node.entries() > 0) {
                    lost.keySet().forEach(device -> tryFit(device, node));
                }
            }

            @Override
            public void unreadable(long location, String reason) {}
        });
    }

    private void tryFit(long device, NodeView leaf) {
        int count = leaf.entries();
        Map.Entry<Long, RepairCandidate.Lost> range = lost.get(device).floorEntry(leaf.key(0));
        boolean inside = range != null
                && Long.compareUnsigned(leaf.key(count - 1), range.getValue().last()) <= 0;
        if (!inside || fits.size() == MAX_LEAVES) {
            return;
        }
        long[] keys = new long[count];
        long[] values = new long[count];
        long time = 0;
        for (int i = 0; i < count; i++) {
            keys[i] = leaf.key(i);
            values[i] = leaf.value(i);
            time = Math.max(time, Mapping.time(values[i]));
            if (Mapping.dataBlock(values[i]) >= candidate.pool().dataBlocks()) {
                return;
            }
        }
        if (time <= latest.get(device)) {
            fits.add(new Fit(device, leaf.location(), keys, values, time));
        }
    }

    private void findOwners() throws IOException {
        dataBlocks = fits.stream()
                .flatMapToLong(fit -> Arrays.stream(fit.values).map(Mapping::dataBlock))
                .sorted()
                .distinct()
                .toArray();
        owners = new long[dataBlocks.length];
        places = new long[dataBlocks.length];
        times = new long[dataBlocks.length];
        PoolSink marks = new PassingSink(new PoolTally()) {
            private long copiesUpTo;

            @Override
            public void beginDevice(Device device) {
                copiesUpTo = latest.get(device.id());
            }

            @Override
            public void endDevice() {}

            @Override
            public void mapping(long virtualBlock, long dataBlock, long length, long time) {
                int at = Arrays.binarySearch(dataBlocks, dataBlock);
                for (at = at < 0 ? -at - 1 : at; at < owners.length && dataBlocks[at] - dataBlock < length; at++) {
                    keep(at, virtualBlock + dataBlocks[at] - dataBlock, time, time <= copiesUpTo);
                }
            }
        };
        RepairPlanner.tell(feed, census, candidate, candidate.pool().dataBlocks(), marks, new ArrayList<>());
    }

    /** The latest first; of one time the fullest. */
    private Map<Long, NavigableMap<Long, SalvagedMappings.Leaf>> choose() {
        fits.sort(Comparator.comparingLong(Fit::time)
                .thenComparingInt(fit -> fit.keys.length)
                .reversed()
                .thenComparingLong(Fit::location));
        Map<Long, NavigableMap<Long, SalvagedMappings.Leaf>> chosen = new HashMap<>();
        for (Fit fit : fits) {
            NavigableMap<Long, SalvagedMappings.Leaf> device =
                    chosen.computeIfAbsent(fit.deviceId, id -> new TreeMap<>(Long::compareUnsigned));
            Map.Entry<Long, SalvagedMappings.Leaf> before = device.floorEntry(fit.last());
            boolean free =
                    before == null || Long.compareUnsigned(before.getValue().last(), fit.first()) < 0;
            if (free && take(fit)) {
                device.put(fit.first(), new SalvagedMappings.Leaf(fit.location, fit.time, fit.keys, fit.values));
            }
        }
        return chosen;
    }

    private void keep(int at, long virtualBlock, long time, boolean copies) {
        boolean alike = owners[at] == 0 || (owners[at] == SHARED && places[at] == virtualBlock && times[at] == time);
        owners[at] = copies && alike ? SHARED : KEPT;
        places[at] = virtualBlock;
        times[at] = time;
    }

    /** Whether nobody else has its data blocks; they are its own from now on. Several devices may have one leaf. */
    private boolean take(Fit fit) {
        int[] at = new int[fit.values.length];
        for (int i = 0; i < at.length; i++) {
            int one = Arrays.binarySearch(dataBlocks, Mapping.dataBlock(fit.values[i]));
            boolean shared =
                    owners[one] == SHARED && places[one] == fit.keys[i] && times[one] == Mapping.time(fit.values[i]);
            if (owners[one] != 0 && owners[one] != fit.location && !shared) {
                return false;
            }
            at[i] = one;
        }
        for (int one : at) {
            owners[one] = owners[one] == SHARED ? SHARED : fit.location;
        }
        return true;
    }
}
