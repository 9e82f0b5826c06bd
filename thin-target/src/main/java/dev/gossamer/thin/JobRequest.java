package dev.gossamer.thin;

import java.util.List;

/**
 * What a job was asked to do, as far as that can be asked again when the pool has been opened anew (RL-9). Volumes by
 * their device ids, which they keep when they are renamed. A range clone has none, as clients may have written by then
 * to what was cloned.
 */
public sealed interface JobRequest {
    /** To make the pool's data so small. */
    record Shrink(long dataBytes) implements JobRequest {}

    /** To empty a range of the data device, in bytes. */
    record Evacuate(long offsetBytes, long lengthBytes, boolean acceptLosses) implements JobRequest {}

    /** To share equal blocks, as a {@link DedupeSpec} says that is no dry run. */
    record Dedupe(List<Integer> volumes, long bytesPerSecond) implements JobRequest {
        public Dedupe {
            volumes = List.copyOf(volumes);
        }
    }

    /** To put a volume's blocks into runs. */
    record Defragment(int volume) implements JobRequest {}

    /** To give a volume blocks of its own. */
    record Independent(int volume) implements JobRequest {}

    /** To take a volume off its external origin. */
    record Detach(int volume) implements JobRequest {}
}
