package dev.gossamer.thin.metadata;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ValueSearch;

/**
 * Goes through all mappings of a pool, device by device, in steps between which these may change. Nodes that several
 * devices share are looked at once, so of several owners in one leaf one is told. A device whose mappings are damaged
 * is told, and left at that place. Worker's thread.
 */
public final class OwnerSearch {
    /** Told of owners; stops the step before one by answering false. */
    public interface Found {
        boolean owner(BlockMoves.Owner owner);
    }

    private final LoadedPool pool;
    private final ValueSearch search;
    private final DamagedDevices damaged;
    private int deviceId;
    private long virtualBlock;
    private boolean ended;

    OwnerSearch(LoadedPool pool, DamagedDevices damaged) {
        this.pool = pool;
        this.damaged = damaged;
        this.search = pool.mappings.search();
    }

    /** Begins anew. */
    public void restart() {
        search.restart();
        deviceId = 0;
        virtualBlock = 0;
        ended = false;
    }

    /** Whether all has been looked at. */
    public boolean isEnded() {
        return ended;
    }

    /**
     * Goes on with who has data blocks of a range.
     *
     * @param maxNodes about so many are read
     */
    public void step(long firstBlock, long endBlock, int maxNodes, Found found) throws StorageException {
        BTreeCursor devices = pool.mappings.upperCursor(pool.mappingRoot, deviceId);
        if (!devices.next()) {
            ended = true;
            return;
        }
        int id = (int) devices.key();
        long start = id == deviceId ? virtualBlock : 0;
        deviceId = id;
        try {
            virtualBlock = search.step(devices.value(0), start, maxNodes, (at, value) -> {
                long dataBlock = Mapping.dataBlock(value);
                return dataBlock < firstBlock
                        || dataBlock >= endBlock
                        || found.owner(new BlockMoves.Owner(id, at, dataBlock));
            });
        } catch (MetadataCorrupt damage) {
            damaged.met(id, damage);
            virtualBlock = ValueSearch.END;
        }
        if (virtualBlock == ValueSearch.END) {
            deviceId++;
            virtualBlock = 0;
            ended = deviceId == DeviceDetails.MAX_DEVICES;
        }
    }
}
