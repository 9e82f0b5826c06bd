package dev.gossamer.thin.device;

import dev.gossamer.io.ServedDevice;

/** An open handle of a volume, as the pool's worker sees it. */
public interface VolumeHandle extends ServedDevice {
    /** The volume's state, one for all handles. */
    ThinDevice device();
}
