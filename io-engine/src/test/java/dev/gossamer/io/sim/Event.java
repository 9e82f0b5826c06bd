package dev.gossamer.io.sim;

import dev.gossamer.io.BlockOperation;

/**
 * A request that a {@link Recorder} saw, in order of submission.
 *
 * @param sequence position among the events of all recorders that share the list, from 0
 */
public record Event(String device, BlockOperation op, long offset, long length, int flags, long sequence) {}
