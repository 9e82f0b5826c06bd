/**
 * Metadata blocks: the cache, the checksums, reading ahead, and the writing of a frozen transaction; the only code that
 * touches their memory. The worker's thread, which waits for reads and not for a commit's writes. What comes in here
 * knows blocks and their bytes, and no tree.
 */
package dev.gossamer.pdata.block;
