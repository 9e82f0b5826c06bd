package dev.gossamer.thin.worker;

import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.space.SpaceWaiters;

/**
 * All who wait for a pool's worker, in one place: requests for a block, a barrier, a job or space, and messages for
 * their answers. Once the pool has failed, what they wait for may never come. What the worker has given to a device is
 * not among them: it ends with that. Worker's thread.
 */
public final class AllWhoWait {
    private final WorkerQueue queue;
    private final PoolDevices devices;
    private final Cells cells;
    private final SpaceWaiters spaceWaiters;

    public AllWhoWait(WorkerQueue queue, PoolDevices devices, Cells cells, SpaceWaiters spaceWaiters) {
        this.queue = queue;
        this.devices = devices;
        this.cells = cells;
        this.spaceWaiters = spaceWaiters;
    }

    /** Answers those who wait for space with EIO: none will be given out any more. */
    void failThoseForSpace() {
        spaceWaiters.fail(Errno.EIO);
    }

    /** Answers all with EIO. If that throws, it goes on where it was when it is called again. */
    void fail() {
        failThoseForSpace();
        cells.fail(devices.all(), Errno.EIO);
        queue.endKept();
    }
}
