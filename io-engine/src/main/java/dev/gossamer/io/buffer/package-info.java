/**
 * Aligned memory outside the heap, pooled and bounded for each loop. A buffer has one owner at a time, on its pool's
 * loop. What counts or lends memory comes in here; what it is used for stays outside.
 */
package dev.gossamer.io.buffer;
