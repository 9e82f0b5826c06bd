package dev.gossamer.thin.device;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What TRIMs have covered of mapped blocks that none of them covered alone (NBD T37a). File systems trim in pieces that
 * know nothing of pool blocks; when the pieces have covered a block, it is unmapped like any other.
 *
 * <p>A record is a bit for each sector of {@link #SECTOR_BYTES} of the block. As long as there is one, the block is
 * published as {@link dev.gossamer.thin.extent.Region#TRIMMED}, so that the first write comes to the worker, which
 * forgets the record. Since overlapping writes and trims are carried out in the order of receipt ({@code WriteOrder}),
 * a bit says that nobody has written to the sector after it was trimmed. Records are in memory only: without them space
 * stays in use, nothing else.
 *
 * <p>Worker's thread.
 */
public final class PartialTrims {
    /** The unit of file systems' allocation; what covers less of a sector is not noted. */
    public static final int SECTOR_BYTES = 4096;

    /**
     * For larger blocks there are no records: a bitmap would take more than half a kilobyte, and trims seldom cover so
     * much before some of it is written again.
     */
    public static final int MAX_BLOCK_BYTES = 16 << 20;

    /**
     * Records of all volumes together, at most about 5 MiB. A file system trims in ascending order, so that pieces meet
     * soon; this is enough for 512 MiB of blocks of 64 KiB that wait for their second half. One more makes the record
     * forgotten that was used longest ago.
     */
    public static final int MAX_RECORDS = 8192;

    private record Place(ThinDevice device, long block) {}

    private final Map<Place, BitSet> trimmed = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Place, BitSet> eldest) {
            return size() > MAX_RECORDS;
        }
    };

    /** Whether a part of a block, in bytes of the volume, is worth noting. Any thread. */
    public static boolean isWorthNoting(int blockBytes, long fromBytes, long toBytes) {
        return blockBytes <= MAX_BLOCK_BYTES && firstSector(fromBytes) < endSector(toBytes);
    }

    /**
     * Notes a trim of a part of a mapped block. @return whether all of the block that is in the volume is trimmed now
     */
    public boolean add(ThinDevice device, long block, long fromBytes, long toBytes) {
        long start = block * device.blockBytes();
        long inVolume = Math.min(device.blockBytes(), device.sizeBytes() - start);
        if (inVolume <= 0) {
            return false;
        }
        BitSet sectors = trimmed.computeIfAbsent(new Place(device, block), place -> new BitSet());
        // The last sector may be cut short by the end of the volume: what reaches that end covers it.
        int sectorsInVolume = (int) Math.ceilDiv(inVolume, (long) SECTOR_BYTES);
        int end = toBytes - start >= inVolume ? sectorsInVolume : (int) endSector(toBytes - start);
        int first = (int) firstSector(fromBytes - start);
        if (first < end) {
            sectors.set(first, end);
        }
        return sectors.nextClearBit(0) >= sectorsInVolume;
    }

    /** Whether something of a block is noted. */
    public boolean contains(ThinDevice device, long block) {
        return !trimmed.isEmpty() && trimmed.containsKey(new Place(device, block));
    }

    /** The blocks from {@code from} up to {@code to}, exclusive, are written or unmapped. */
    public void forget(ThinDevice device, long from, long to) {
        for (long block = from; block < to && !trimmed.isEmpty(); block++) {
            trimmed.remove(new Place(device, block));
        }
    }

    /** The device is gone, or has got other contents. */
    public void forget(ThinDevice device) {
        trimmed.keySet().removeIf(place -> place.device == device);
    }

    /** What was noted belongs to mappings that are gone. */
    public void forgetAll() {
        trimmed.clear();
    }

    public int count() {
        return trimmed.size();
    }

    private static long firstSector(long fromBytes) {
        return Math.ceilDiv(fromBytes, SECTOR_BYTES);
    }

    private static long endSector(long toBytes) {
        return toBytes / SECTOR_BYTES;
    }
}
