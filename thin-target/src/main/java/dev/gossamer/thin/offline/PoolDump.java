package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.DeviceTrees;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/** Tells a {@link PoolSink} what a pool's metadata say: all of it, or some devices. */
public final class PoolDump {
    /** Told what is lost, where the dump goes on behind it. */
    public interface Losses {
        /** Blocks of a device from {@code first} to {@code last}, both included. */
        void lost(long deviceId, long first, long last, String reason);
    }

    /**
     * What to dump.
     *
     * @param devices ids; empty: all
     * @param mappings whether to dump them
     * @param sharing whether to tell once what devices share
     * @param losses where to tell what cannot be read; null: the first damage ends the dump
     */
    public record Choice(Set<Long> devices, boolean mappings, boolean sharing, Losses losses) {
        public Choice {
            devices = Set.copyOf(devices);
        }
    }

    /** A device: its details, and the root of its mappings; 0: there is none. */
    public record Tree(PoolSink.Device device, long root) {
        Tree withMappings(long count) {
            return new Tree(
                    new PoolSink.Device(
                            device.id(),
                            count,
                            device.transactionId(),
                            device.creationTime(),
                            device.snapshottedTime()),
                    root);
        }
    }

    /** Why a mapping is lost whose block has one already. */
    static final String SECOND = "a second mapping of the same block";

    private final BlockFeed feed;
    private final PoolSink sink;
    private final Choice choice;
    private final RunMerger runs;
    private LongPredicate nodes = block -> true;

    public PoolDump(BlockFeed feed, PoolSink sink, Choice choice) {
        this.feed = feed;
        this.sink = sink;
        this.choice = choice;
        runs = new RunMerger(sink);
    }

    /**
     * The devices of two trees, joined by id.
     *
     * @param losses as in {@link Choice}
     * @throws MetadataCorrupt if one cannot be read or they do not fit, and nobody wants to hear of losses
     */
    public static List<Tree> devices(BlockFeed feed, long mappingRoot, long detailsRoot, Losses losses)
            throws IOException {
        Map<Long, Long> roots = new TreeMap<>(Long::compareUnsigned);
        Map<Long, PoolSink.Device> details = new TreeMap<>(Long::compareUnsigned);
        DeviceTrees.Lost lost = (location, low, high, reason) -> {
            if (losses == null) {
                throw new MetadataCorrupt(reason);
            }
            losses.lost(-1, low, high, reason);
        };
        DeviceTrees.forEach(feed, TreeKind.DEVICES, mappingRoot, (id, leaf, i) -> roots.put(id, leaf.value(i)), lost);
        DeviceTrees.forEach(
                feed, TreeKind.DETAILS, detailsRoot, (id, leaf, i) -> details.put(id, device(id, leaf, i)), lost);
        if (losses == null && !roots.keySet().equals(details.keySet())) {
            throw new MetadataCorrupt("the device details and the mapping trees are not of the same devices");
        }
        List<Tree> devices = new ArrayList<>();
        details.forEach((id, device) -> devices.add(new Tree(device, roots.getOrDefault(id, 0L))));
        return devices;
    }

    /** Told of the devices of a tree. */
    interface Devices {
        void device(long id, long root);
    }

    /** Told of the details of devices. */
    interface DetailsOf {
        void device(PoolSink.Device device);
    }

    /** Devices and the roots of their mappings, as far as they can be read. */
    static void forEachDevice(BlockFeed feed, long root, Devices devices) throws IOException {
        DeviceTrees.forEachDevice(feed, root, (id, leaf, index) -> devices.device(id, leaf.value(index)));
    }

    /** Likewise, and what cannot be. */
    static void devicesOf(BlockFeed feed, long root, Map<Long, Long> roots, Losses losses) throws IOException {
        DeviceTrees.forEach(
                feed,
                TreeKind.DEVICES,
                root,
                (id, leaf, index) -> roots.put(id, leaf.value(index)),
                (location, low, high, reason) -> losses.lost(-1, low, high, reason));
    }

    /** Details of devices, as far as they can be read. */
    static void forEachDetails(BlockFeed feed, long root, DetailsOf details) throws IOException {
        DeviceTrees.forEachDetails(feed, root, (id, leaf, index) -> details.device(device(id, leaf, index)));
    }

    /** Only such blocks can be part of what devices share; what is lost is told of each device then. */
    PoolDump withNodes(LongPredicate newNodes) {
        nodes = newNodes;
        return this;
    }

    private static PoolSink.Device device(long id, NodeView leaf, int index) {
        long times = leaf.word(index, 2);
        return new PoolSink.Device(
                id, leaf.value(index), leaf.word(index, 1), times & 0xffff_ffffL, times >>> Integer.SIZE);
    }

    /** Dumps what the roots of a superblock lead to. */
    public void dump(PoolSink.Pool pool, long mappingRoot, long detailsRoot) throws IOException {
        List<Tree> devices = devices(feed, mappingRoot, detailsRoot, choice.losses()).stream()
                .filter(device -> choice.devices().isEmpty()
                        || choice.devices().contains(device.device().id()))
                .toList();
        dump(pool, devices);
    }

    /** Dumps devices. */
    public void dump(PoolSink.Pool pool, List<Tree> devices) throws IOException {
        sink.beginPool(pool);
        SharedRuns shared = null;
        if (choice.sharing() && choice.mappings()) {
            shared = new SharedRuns(
                    feed,
                    nodes,
                    devices.stream().map(Tree::root).filter(root -> root != 0).toList());
            dumpShared(shared);
        }
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (Tree tree : devices) {
            sink.beginDevice(tree.device());
            if (choice.mappings() && tree.root() != 0) {
                Mappings mappings = new Mappings(tree.device().id(), shared);
                walk.walk(tree.root(), mappings);
                mappings.settle(-1L, true);
                runs.flush();
            }
            sink.endDevice();
        }
        sink.endPool();
    }

    private void dumpShared(SharedRuns shared) throws IOException {
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (long leaf = 1; leaf < feed.blocks(); leaf++) {
            if (!shared.isShared(leaf) || !shared.isFirst(leaf)) {
                continue;
            }
            sink.beginShared(leaf);
            long at = leaf;
            while (at != 0) {
                long[] some = new long[OrderedWalk.MAX_LEAVES];
                int count = 0;
                for (; at != 0 && count < some.length; at = shared.following(at)) {
                    some[count++] = at;
                }
                walk.leaves(java.util.Arrays.copyOf(some, count), new Mappings(-1, null));
            }
            runs.flush();
            sink.endShared();
        }
    }

    private record Outside(long location, long key, long value, long high) {}

    /** The leaves of a device, or of a shared run. */
    private final class Mappings implements OrderedWalk.Visitor {
        private final long device;
        private final SharedRuns shared;
        private long nextKey;
        /** Entries of the last leaf that belong behind its place: good if the next leaf begins behind them. */
        private final List<Outside> outside = new ArrayList<>();

        Mappings(long device, SharedRuns shared) {
            this.device = device;
            this.shared = shared;
        }

        @Override
        public boolean wants(long leaf) {
            return shared == null || !shared.isShared(leaf);
        }

        @Override
        public void passed(long leaf) throws IOException {
            settle(-1L, true);
            if (shared.isFirst(leaf)) {
                runs.flush();
                sink.shared(leaf);
            }
        }

        @Override
        public void leaf(NodeView leaf, long low, long high) throws IOException {
            int last = leaf.entries() - 1;
            if (last < 0) {
                return;
            }
            settle(leaf.key(0), false);
            boolean misplaced =
                    Long.compareUnsigned(leaf.key(0), low) < 0 || Long.compareUnsigned(leaf.key(last), high) > 0;
            if (misplaced && choice.losses() == null) {
                throw new MetadataCorrupt("metadata block " + leaf.location() + " has keys from "
                        + Long.toUnsignedString(leaf.key(0)) + " to " + Long.toUnsignedString(leaf.key(last))
                        + " where " + Long.toUnsignedString(low) + " to " + Long.toUnsignedString(high) + " belong");
            }
            for (int i = 0; i <= last; i++) {
                if (Long.compareUnsigned(leaf.key(i), high) > 0) {
                    outside.add(new Outside(leaf.location(), leaf.key(i), leaf.value(i), high));
                    continue;
                }
                // Where a parent's key is wrong the mappings are good all the same, as long as they ascend.
                if (Long.compareUnsigned(leaf.key(i), nextKey) >= 0) {
                    runs.add(leaf.key(i), leaf.value(i));
                    nextKey = leaf.key(i) + 1;
                } else {
                    lost(leaf.location(), leaf.key(i), leaf.key(i), SECOND);
                }
            }
        }

        /** Tells entries out of their place, as far as they come before a key that is in its own; others are lost. */
        void settle(long next, boolean toTheEnd) throws IOException {
            for (Outside one : outside) {
                if (Long.compareUnsigned(one.key, nextKey) >= 0
                        && (toTheEnd || Long.compareUnsigned(one.key, next) < 0)) {
                    runs.add(one.key, one.value);
                    nextKey = one.key + 1;
                } else {
                    // The key is wrong: what it was nothing says, but where.
                    lost(
                            one.location,
                            nextKey,
                            one.high,
                            "metadata block " + one.location + " has a mapping of block "
                                    + Long.toUnsignedString(one.key) + " there, which another one has");
                }
            }
            outside.clear();
        }

        @Override
        public void lost(long location, long low, long high, String reason) throws IOException {
            if (choice.losses() == null) {
                throw new MetadataCorrupt(reason);
            }
            runs.flush();
            choice.losses().lost(device, low, high, reason);
        }
    }
}
