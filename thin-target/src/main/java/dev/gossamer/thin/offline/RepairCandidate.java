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
 * @param mappings how many would be kept, salvaged ones included
 * @param blocks metadata blocks that the output needs at most
 * @param sharing whether what devices share stays shared: not where leaves are out of order
 * @param doubled data blocks that are mapped at two different places
 * @param salvaged what fills lost ranges, if that was asked for
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
        boolean sharing,
        long doubled,
        List<Salvaged> salvaged) {
    /**
     * A range of blocks that would be lost, both ends included.
     *
     * @param deviceId -1: of several devices, or of devices that nobody knows
     */
    public record Lost(long deviceId, long first, long last, String reason) {}

    /** A leaf that fills a part of what a device has lost, from block {@code first} to {@code last}. */
    public record Salvaged(long deviceId, long first, long last, long mappings, long metadataBlock, long time) {}

    public RepairCandidate {
        devices = List.copyOf(devices);
        lost = List.copyOf(lost);
        salvaged = List.copyOf(salvaged);
    }

    /** The same state, of which this is not known or lost besides. */
    RepairCandidate with(Lost more) {
        List<Lost> all = new java.util.ArrayList<>(lost);
        all.addFirst(more);
        return with(sharing, all, salvaged, devices, mappings, blocks);
    }

    /** The same state, told in another way. */
    RepairCandidate with(
            boolean newSharing,
            List<Lost> newLost,
            List<Salvaged> newSalvaged,
            List<PoolDump.Tree> newDevices,
            long newMappings,
            long newBlocks) {
        return new RepairCandidate(
                origin,
                pool,
                mappingRoot,
                detailsRoot,
                newDevices,
                newLost,
                newMappings,
                newBlocks,
                newSharing,
                doubled,
                newSalvaged);
    }
}
