/** Classic copy-on-write snapshots of a plain device: origin, snapshots, merge. {@link SnapshotSet} is the door. */
package dev.gossamer.snapshot;
