package dev.gossamer.thin.job;

import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What volumes have of some data blocks, as ranges to be held. Devices that were deleted and are being reclaimed have
 * no requests, so nothing of them is held. Worker's thread.
 */
record OwnedRanges(PoolDevices all) {
    /** As few ranges as may be. */
    List<HeldRange> ranges(List<BlockMoves.Owner> owners) {
        Map<Integer, TreeSet<Long>> blocks = new TreeMap<>();
        for (BlockMoves.Owner owner : owners) {
            blocks.computeIfAbsent(owner.deviceId(), id -> new TreeSet<>()).add(owner.virtualBlock());
        }
        List<HeldRange> ranges = new ArrayList<>();
        blocks.forEach((id, its) -> {
            ThinDevice device = all.withId(id);
            if (device != null) {
                addRanges(device, its, ranges);
            }
        });
        return ranges;
    }

    private static void addRanges(ThinDevice device, SortedSet<Long> blocks, List<HeldRange> ranges) {
        long from = blocks.getFirst();
        long to = from;
        for (long block : blocks) {
            if (block != to || to - from == HeldRange.MAX_BLOCKS) {
                ranges.add(new HeldRange(device, from, to));
                from = block;
            }
            to = block + 1;
        }
        ranges.add(new HeldRange(device, from, to));
    }

    /** The data blocks of which some owner can change what it has, given what is held. */
    Set<Long> notHeld(List<HeldRange> held, List<BlockMoves.Owner> owners) {
        Map<ThinDevice, TreeMap<Long, HeldRange>> byStart = new HashMap<>();
        for (HeldRange range : held) {
            byStart.computeIfAbsent(range.device, device -> new TreeMap<>()).put(range.from, range);
        }
        Set<Long> notHeld = new HashSet<>();
        for (BlockMoves.Owner owner : owners) {
            ThinDevice device = all.withId(owner.deviceId());
            if (device != null && !isHeld(byStart.get(device), owner.virtualBlock())) {
                notHeld.add(owner.dataBlock());
            }
        }
        return notHeld;
    }

    private static boolean isHeld(TreeMap<Long, HeldRange> byStart, long virtualBlock) {
        Map.Entry<Long, HeldRange> range = byStart == null ? null : byStart.floorEntry(virtualBlock);
        return range != null && virtualBlock < range.getValue().to;
    }

    /** The volumes among the owners. */
    Set<ThinDevice> devices(List<BlockMoves.Owner> owners) {
        Set<ThinDevice> devices = new LinkedHashSet<>();
        for (BlockMoves.Owner owner : owners) {
            ThinDevice device = all.withId(owner.deviceId());
            if (device != null) {
                devices.add(device);
            }
        }
        return devices;
    }
}
