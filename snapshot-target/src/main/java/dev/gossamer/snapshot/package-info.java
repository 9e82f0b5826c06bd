/**
 * Classic copy-on-write snapshots of one origin: the devices that clients open, their life, and what is done when a
 * store gets full or an error comes. Devices run on their requests' loops, everything else on the worker's; {@link
 * dev.gossamer.snapshot.SnapshotSet} is the only door. How a store looks on disk is in {@code store}, how chunks get
 * there in {@code copy}.
 */
package dev.gossamer.snapshot;
