package dev.gossamer.thin.offline;

import dev.gossamer.pdata.check.DeviceSum;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Which volumes map a few data blocks, and where. Walks all trees: for metadata that is damaged. */
final class OwnerSearch {
    private static final int MAX_OWNERS = 200;

    private final BlockFeed feed;
    private final List<DeviceSum> devices;

    OwnerSearch(BlockFeed feed, List<DeviceSum> devices) {
        this.feed = feed;
        this.devices = devices;
    }

    List<OfflineCheck.Owner> ownersOf(Collection<Long> dataBlocks) {
        Set<Long> wanted = new HashSet<>(dataBlocks);
        List<OfflineCheck.Owner> owners = new ArrayList<>();
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (DeviceSum device : devices) {
            if (device.root() == 0 || owners.size() >= MAX_OWNERS) {
                continue;
            }
            try {
                walk.walk(device.root(), new OrderedWalk.Visitor() {
                    @Override
                    public void leaf(NodeView leaf, long low, long high) {
                        look(leaf, device.id(), wanted, owners);
                    }

                    @Override
                    public void lost(long location, long low, long high, String reason) {}
                });
            } catch (IOException e) {
                throw new AssertionError("nothing here throws it", e);
            }
        }
        return owners;
    }

    private static void look(NodeView leaf, long device, Set<Long> wanted, List<OfflineCheck.Owner> owners) {
        for (int i = 0; i < leaf.entries(); i++) {
            long dataBlock = Mapping.dataBlock(leaf.value(i));
            if (wanted.contains(dataBlock) && owners.size() < MAX_OWNERS) {
                owners.add(new OfflineCheck.Owner(dataBlock, device, leaf.key(i)));
            }
        }
    }
}
