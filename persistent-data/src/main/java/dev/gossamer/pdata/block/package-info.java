/** Metadata blocks: the cache, the checksums, and the only code that touches their memory. */
package dev.gossamer.pdata.block;
