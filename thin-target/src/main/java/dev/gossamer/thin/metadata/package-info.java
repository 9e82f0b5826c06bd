/**
 * What a pool keeps on its metadata device, in dm-thin's format: superblock, mapping tree, device details. On the
 * worker's loop; waits for its I/O, but for that of a commit. What comes in here reads or changes the stored format and
 * knows no request.
 */
package dev.gossamer.thin.metadata;
