package dev.gossamer.thin;

import java.util.List;

/**
 * What deleting a set of volumes would bring.
 *
 * @param freedBytes data space that comes free
 * @param exact nothing of the pool has changed while it was counted, and all was counted; otherwise it is about so much
 * @param heldBySnapshot there is a metadata snapshot: what it has comes free when that is released
 * @param sharedWith names of other volumes that have some of what stays
 */
public record SetSpace(long freedBytes, boolean exact, boolean heldBySnapshot, List<String> sharedWith) {}
