/**
 * Chunks of the origin on their way into stores, and the table in which loops look them up. The worker's loop owns
 * everything but the look-ups: {@link dev.gossamer.snapshot.copy.RemapTable#get} and {@link
 * dev.gossamer.snapshot.copy.ChunkRun} are the loops'. What belongs here knows a chunk, a device and who waits; what a
 * snapshot is, and when it is lost, it does not know.
 */
package dev.gossamer.snapshot.copy;
