package dev.gossamer.pdata.check;

import dev.gossamer.pdata.spacemap.SpaceMapRoot;

/**
 * Everything that a pool's superblock refers to.
 *
 * @param mappingRoot two-level tree: device id, virtual block, packed mapping
 * @param detailsRoot tree of device details, 24 bytes each
 * @param heldRoot block of the metadata snapshot's superblock copy, 0 = there is none, and the next two mean nothing
 * @param heldMappingRoot mapping tree of the metadata snapshot
 * @param heldDetailsRoot device details of the metadata snapshot
 */
public record CheckRoots(
        long mappingRoot,
        long detailsRoot,
        long heldRoot,
        long heldMappingRoot,
        long heldDetailsRoot,
        SpaceMapRoot data,
        SpaceMapRoot metadata) {}
