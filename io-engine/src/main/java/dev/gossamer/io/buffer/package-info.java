/** Aligned off-heap memory with one owner at a time. */
package dev.gossamer.io.buffer;
