/** What a pool keeps on its metadata device, in dm-thin's format: superblock, mapping tree, device details. */
package dev.gossamer.thin.metadata;
