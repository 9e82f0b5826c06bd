/**
 * The one tree: copy-on-write, 64-bit keys, in one level or two; changing, walking, comparing and searching it. The
 * worker's thread, or whoever owns the blocks; waits for what is not in the cache. What comes in here knows keys and
 * words, and not what they mean.
 */
package dev.gossamer.pdata.btree;
