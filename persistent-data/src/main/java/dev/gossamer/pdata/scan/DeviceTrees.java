package dev.gossamer.pdata.scan;

import java.io.IOException;

/** Lists the entries of a tree with few of them, the devices of a pool or their details, by ascending key. */
public final class DeviceTrees {
    /** Told of each entry that can be read. */
    public interface Entries {
        /**
         * An entry.
         *
         * @param leaf lent during the call
         */
        void entry(long key, NodeView leaf, int index) throws IOException;
    }

    /** Told what cannot be read. */
    public interface Lost {
        void lost(long location, long low, long high, String reason) throws IOException;
    }

    private DeviceTrees() {}

    /** Device ids and the roots of their mapping trees; passes over what cannot be read. */
    public static void forEachDevice(BlockFeed feed, long root, Entries entries) throws IOException {
        forEach(feed, TreeKind.DEVICES, root, entries, (location, low, high, reason) -> {});
    }

    /** Device ids and their details; passes over what cannot be read. */
    public static void forEachDetails(BlockFeed feed, long root, Entries entries) throws IOException {
        forEach(feed, TreeKind.DETAILS, root, entries, (location, low, high, reason) -> {});
    }

    /** Entries by ascending key; one that is out of place is lost. */
    public static void forEach(BlockFeed feed, TreeKind kind, long root, Entries entries, Lost lost)
            throws IOException {
        new OrderedWalk(feed, kind).walk(root, new OrderedWalk.Visitor() {
            @Override
            public void leaf(NodeView leaf, long low, long high) throws IOException {
                for (int i = 0; i < leaf.entries(); i++) {
                    long key = leaf.key(i);
                    if (Long.compareUnsigned(key, low) < 0 || Long.compareUnsigned(key, high) > 0) {
                        lost(
                                leaf.location(),
                                key,
                                key,
                                "metadata block " + leaf.location() + " has keys that belong elsewhere");
                    } else {
                        entries.entry(key, leaf, i);
                    }
                }
            }

            @Override
            public void lost(long location, long low, long high, String reason) throws IOException {
                lost.lost(location, low, high, reason);
            }
        });
    }
}
