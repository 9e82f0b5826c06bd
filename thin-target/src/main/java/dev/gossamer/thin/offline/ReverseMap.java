package dev.gossamer.thin.offline;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which devices have some data blocks, and where (OT-16). Leaves that have nothing of interest are read once, however
 * many devices share them.
 */
public final class ReverseMap {
    /** What can be found, a run each; 48 bytes. */
    static final int MAX_RUNS = 4_000_000;

    /** Data blocks from {@code begin} to before {@code end}. */
    public record Region(long begin, long end) {}

    /** Blocks next to each other, on both sides, of one device. */
    public record Run(long dataBlock, long deviceId, long virtualBlock, long length) {}

    private final OrderedWalk walk;
    private final List<Region> regions;
    private final boolean firstOwner;
    private final BlockSet seen;
    private final List<Run> runs = new ArrayList<>();

    private long device;
    private long dataBlock;
    private long virtualBlock;
    private long length;
    /**
     * @param regions in any order
     * @param firstOwner of devices that share a leaf only the first is told, as older tools do
     */
    public ReverseMap(BlockFeed feed, List<Region> regions, boolean firstOwner) {
        walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        this.regions = List.copyOf(regions);
        this.firstOwner = firstOwner;
        seen = new BlockSet(feed.blocks());
    }

    /** Adds the mappings of a device. */
    public void add(long deviceId, long root) throws IOException {
        device = deviceId;
        walk.walk(root, new OrderedWalk.Visitor() {
            @Override
            public boolean wants(long leaf) {
                return firstOwner ? seen.add(leaf) : !seen.contains(leaf);
            }

            @Override
            public void leaf(NodeView leaf, long low, long high) throws IOException {
                look(leaf);
            }

            @Override
            public void lost(long location, long low, long high, String reason) throws IOException {
                throw new MetadataCorrupt(reason);
            }
        });
        flush();
    }

    private void look(NodeView leaf) throws IOException {
        boolean found = false;
        for (int i = 0; i < leaf.entries(); i++) {
            long data = Mapping.dataBlock(leaf.value(i));
            if (!isWanted(data)) {
                continue;
            }
            found = true;
            if (length > 0 && data == dataBlock + length && leaf.key(i) == virtualBlock + length) {
                length++;
            } else {
                flush();
                dataBlock = data;
                virtualBlock = leaf.key(i);
                length = 1;
            }
        }
        if (!found) {
            seen.add(leaf.location());
        }
    }

    private boolean isWanted(long data) {
        for (Region region : regions) {
            if (data >= region.begin() && data < region.end()) {
                return true;
            }
        }
        return false;
    }

    private void flush() throws StorageException {
        if (length == 0) {
            return;
        }
        if (runs.size() == MAX_RUNS) {
            throw new StorageException(
                    Errno.ENOMEM, "more than " + MAX_RUNS + " ranges; ask for fewer blocks at a time (--region)");
        }
        runs.add(new Run(dataBlock, device, virtualBlock, length));
        length = 0;
    }

    /** What was found, by data block, length, device, virtual block. */
    public List<Run> runs() {
        runs.sort(Comparator.comparingLong(Run::dataBlock)
                .thenComparingLong(Run::length)
                .thenComparingLong(Run::deviceId)
                .thenComparingLong(Run::virtualBlock));
        return List.copyOf(runs);
    }
}
