package dev.gossamer.thin.device;

import dev.gossamer.io.ServedDevice;

/** An open handle of a volume, as the pool's worker sees it. */
public interface VolumeHandle extends ServedDevice {
    /** The volume's state, one for all handles. */
    ThinDevice device();

    /** Where its requests must end: the end of the volume, which may have come nearer while they waited (NBD T63). */
    default long endBytes() {
        return device().sizeBytes();
    }
}
