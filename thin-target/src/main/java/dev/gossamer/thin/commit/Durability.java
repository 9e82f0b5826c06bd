package dev.gossamer.thin.commit;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.thin.device.ThinDevice;

/** What loops ask of a pool's commits. Any thread. */
public interface Durability {
    /** Whether the device has changes that a crash would undo. */
    boolean isUncommitted(ThinDevice device);

    /** Keeps a request until a commit that begins after this call is done, and hands it back with what came of that. */
    void waitForCommit(BlockRequest request);
}
