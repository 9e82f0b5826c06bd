package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ServedDevice;

/** An open handle of a volume, as the pool's worker sees it. */
public interface VolumeHandle extends ServedDevice {
    /** The volume's state, one for all handles. */
    ThinDevice device();

    /** Whether a write for which there is no space waits for some, if the volume's policy says so too. */
    boolean waitsForSpace();

    /** Where such a request must end: at the volume's end, which may have come nearer while it waited (NBD T63). */
    long endBytes(BlockRequest request);
}
