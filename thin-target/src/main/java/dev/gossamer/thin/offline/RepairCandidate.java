package dev.gossamer.thin.offline;

import java.util.List;

/**
 * A state of a pool that could be restored from damaged metadata (OT-31).
 *
 * @param origin where its roots were found
 * @param pool what its superblock would say
 * @param mappingRoot root of the tree of devices
 * @param detailsRoot root of the details; 0: there are none that fit, they are made up
 * @param devices what would be kept, with the root of each device's mappings
 * @param lost what would not
 * @param mappings how many would be kept
 * @param blocks metadata blocks that the output needs at most
 * @param sharing whether what devices share stays shared: not where leaves are out of order
 */
public record RepairCandidate(
        String origin,
        PoolSink.Pool pool,
        long mappingRoot,
        long detailsRoot,
        List<PoolDump.Tree> devices,
        List<Lost> lost,
        long mappings,
        long blocks,
        boolean sharing) {
    /**
     * A range of blocks that would be lost, both ends included.
     *
     * @param deviceId -1: of several devices, or of devices that nobody knows
     */
    public record Lost(long deviceId, long first, long last, String reason) {}

    public RepairCandidate {
        devices = List.copyOf(devices);
        lost = List.copyOf(lost);
    }
}
