/**
 * Reference counts of metadata and data blocks, and allocation: what the last commit or a frozen transaction uses is
 * not given out. The worker's thread; waits for bitmaps that are not in the cache. Who may have a block is decided
 * elsewhere.
 */
package dev.gossamer.pdata.spacemap;
