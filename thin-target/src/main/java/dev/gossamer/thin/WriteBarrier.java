package dev.gossamer.thin;

import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.List;

/**
 * Brings the contents of devices to rest, so that they can be taken as of one instant (MSG-6, MSG-7). Worker's thread.
 *
 * <ol>
 *   <li>{@link #raise}: the worker holds writes and trims back, and loops see every block as shared, so that all writes
 *       come to the worker.
 *   <li>{@link #whenAtRest}: waits for blocks in preparation, then for the loops' writes in flight.
 *   <li>{@link #lift}: what was held back is looked at again, and breaks sharing as needed.
 * </ol>
 *
 * <p>Reads go on all the time. Of the devices of one barrier none moves on before all are at rest.
 */
final class WriteBarrier {
    private final PoolWorker worker;
    private final PoolMetadata metadata;
    private final PoolCounters counters;
    private final List<ThinDevice> devices;
    private long raisedNanos;

    /** @param devices each once, none of them behind a barrier */
    WriteBarrier(PoolWorker worker, PoolCounters counters, List<ThinDevice> devices) {
        this.worker = worker;
        this.metadata = worker.metadata();
        this.counters = counters;
        this.devices = devices;
    }

    void raise() {
        raisedNanos = worker.nanoTime();
        for (ThinDevice device : devices) {
            device.barrier = true;
            device.snapshottedTime = Integer.MAX_VALUE;
        }
    }

    void whenAtRest(Runnable task) {
        whenIdle(0, () -> worker.loops().drain(task));
    }

    void lift() {
        for (ThinDevice device : devices) {
            DeviceDetails details = metadata.detailsIfReadable(device.id);
            if (details != null) {
                device.snapshottedTime = details.snapshottedTime();
            }
            device.barrier = false;
        }
        counters.barrierNanos.accumulate(worker.nanoTime() - raisedNanos);
        for (ThinDevice device : devices) {
            worker.cells().readmit(device.held);
        }
    }

    // A device that is idle stays so: what would begin new work on it is held back.
    private void whenIdle(int index, Runnable task) {
        if (index == devices.size()) {
            task.run();
        } else {
            worker.cells().whenIdle(devices.get(index), () -> whenIdle(index + 1, task));
        }
    }
}
