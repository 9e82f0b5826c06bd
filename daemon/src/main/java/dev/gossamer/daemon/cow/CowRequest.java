package dev.gossamer.daemon.cow;

import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;

/**
 * What shall be made: an origin, or a snapshot, and its origin if that is not there yet.
 *
 * @param name NAME or NAME@SNAP
 * @param origin an absolute path, or the URI of an NBD export; null if the origin is there
 * @param store likewise, for a snapshot; null for a volume of the pool
 * @param chunkBytes unit of copying; 0 = the usual
 */
public record CowRequest(
        String name, String origin, String store, long chunkBytes, StoreType type, StoreFullAction fullAction) {}
