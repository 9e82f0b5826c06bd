package dev.gossamer.thin.job;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.LostRange;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What people know the owners of data blocks by. Worker's thread. */
record OwnerNames(PoolDevices devices, PoolMetadata metadata) {
    /** The volume's name, or what else the device is. */
    String of(int deviceId) {
        ThinDevice device = devices.withId(deviceId);
        if (device != null) {
            return device.name();
        }
        try {
            boolean catalog = metadata.references().moves().isCatalog(deviceId);
            return catalog ? "<catalog>" : "<deleted, device " + deviceId + ">";
        } catch (StorageException e) {
            return "<device " + deviceId + ">";
        }
    }

    /** A part of each owner's block as ranges of volumes. */
    List<LostRange> ranges(List<BlockMoves.Owner> owners, int offsetInBlock, int lengthBytes) {
        List<LostRange> ranges = new ArrayList<>();
        for (BlockMoves.Owner owner : owners) {
            long offset = owner.virtualBlock() * metadata.blockBytes() + offsetInBlock;
            ranges.add(new LostRange(of(owner.deviceId()), offset, lengthBytes));
        }
        return ranges;
    }

    /** In order, and neighbours as one. */
    static List<LostRange> joined(List<LostRange> ranges) {
        List<LostRange> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparing(LostRange::volume).thenComparingLong(LostRange::offsetBytes));
        List<LostRange> joined = new ArrayList<>();
        for (LostRange range : sorted) {
            LostRange last = joined.isEmpty() ? null : joined.getLast();
            boolean follows = last != null
                    && last.volume().equals(range.volume())
                    && last.offsetBytes() + last.lengthBytes() >= range.offsetBytes();
            if (follows) {
                long end = Math.max(last.offsetBytes() + last.lengthBytes(), range.offsetBytes() + range.lengthBytes());
                joined.removeLast();
                joined.add(new LostRange(range.volume(), last.offsetBytes(), end - last.offsetBytes()));
            } else {
                joined.add(range);
            }
        }
        return joined;
    }
}
