package dev.gossamer.thin;

import dev.gossamer.io.DurationHistogram;
import java.util.List;

/**
 * How long clients' reads and writes have taken since the pool was opened: what jobs look at to keep out of their way
 * (RL-7). Asked on the worker's thread, a few times a second while jobs are under way.
 */
@FunctionalInterface
public interface ClientLatency {
    /** Nobody counts. */
    ClientLatency UNKNOWN = List::of;

    /** The histograms, which others go on counting in. */
    List<DurationHistogram> histograms();
}
