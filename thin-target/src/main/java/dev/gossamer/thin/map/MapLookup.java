package dev.gossamer.thin.map;

import dev.gossamer.io.worker.MapRun;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;

/**
 * The answer to "what may a loop do with the bytes from here on?": the longest piece with one answer. Reused by its
 * loop.
 */
public final class MapLookup extends MapRun {
    /** What there is to do with a run. */
    public enum Action {
        /** Pass on to {@link #dataOffsetBytes}. */
        REMAP,
        /** Nothing is mapped there. */
        UNMAPPED,
        /** The worker decides. For a write the run is inside one data block. */
        WORKER
    }

    private Action action;
    private long dataOffsetBytes;

    /** How to serve the run. */
    public Action action() {
        return action;
    }

    /** Of a run that is passed on: where its first byte is on the data device. */
    public long dataOffsetBytes() {
        return dataOffsetBytes;
    }

    /**
     * Looks at {@code [offsetBytes, limitBytes)}, which is not empty.
     *
     * @param inPlaceFrom for writes: the oldest time a mapping may have to be written in place (rule D-4); 0 for reads
     * @param write whether LOCKED, TRIMMED, HELD, shared and unmapped blocks must be taken one by one
     */
    public void find(ThinDevice device, long offsetBytes, long limitBytes, int inPlaceFrom, boolean write) {
        long blockBytes = device.blockBytes();
        long block = offsetBytes / blockBytes;
        long regionNumber = ExtentMap.regionOf(block);
        long[] region = device.extents().region(regionNumber);
        long firstOfRegion = regionNumber * Region.BLOCKS;
        if (region == null) {
            action = Action.WORKER;
            endsAt(Math.min(limitBytes, (firstOfRegion + Region.BLOCKS) * blockBytes));
            return;
        }
        int inRegion = ExtentMap.blockInRegion(block);
        int index = Region.find(region, inRegion);
        if (index < 0) {
            int next = -index - 1;
            int end = next < Region.count(region) ? Region.start(region, next) : Region.BLOCKS;
            action = Action.UNMAPPED;
            endsAt(Math.min(limitBytes, write ? (block + 1) * blockBytes : (firstOfRegion + end) * blockBytes));
        } else if (isDirect(Region.kind(region, index), write) && Region.time(region, index) >= inPlaceFrom) {
            action = Action.REMAP;
            endsAt(Math.min(limitBytes, (firstOfRegion + Region.end(region, index)) * blockBytes));
            dataOffsetBytes =
                    Region.dataBlock(region, index, inRegion) * blockBytes + (offsetBytes - block * blockBytes);
        } else {
            action = Action.WORKER;
            endsAt(Math.min(limitBytes, (block + 1) * blockBytes));
        }
    }

    private static boolean isDirect(int kind, boolean write) {
        return kind == Region.MAPPED || (kind != Region.LOCKED && !write);
    }
}
