package dev.gossamer.thin.message;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Brings the contents of devices to rest, so that they can be taken as of one instant (MSG-6, MSG-7). Worker's thread.
 *
 * <ol>
 *   <li>The worker holds writes and trims back, and loops see every block as shared, so that all writes come to the
 *       worker.
 *   <li>Blocks in preparation are waited for, then the loops' writes in flight, then a commit that is being written.
 *   <li>After the work, what was held back is looked at again, and breaks sharing as needed.
 * </ol>
 *
 * <p>Reads go on all the time. Of the devices of one barrier none moves on before all are at rest.
 */
public final class WriteBarrier {
    /** Work with contents at rest that can fail. */
    interface AtRest<T> {
        T run() throws StorageException;
    }

    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final RequestsInFlight inFlight;
    private final Cells cells;
    private final PoolFaults faults;
    private final Committer committer;
    private final PoolCounters counters;

    public WriteBarrier(
            IoLoop loop,
            PoolMetadata metadata,
            RequestsInFlight inFlight,
            Cells cells,
            PoolFaults faults,
            Committer committer,
            PoolCounters counters) {
        this.loop = loop;
        this.metadata = metadata;
        this.inFlight = inFlight;
        this.cells = cells;
        this.faults = faults;
        this.committer = committer;
        this.counters = counters;
    }

    /**
     * Does some work with devices at rest.
     *
     * @param devices each once, none of them behind a barrier
     * @param afterwards run before the answer is known, whatever it is
     */
    <T> void whenAtRest(List<ThinDevice> devices, Runnable afterwards, CompletableFuture<T> answer, AtRest<T> work) {
        long raisedNanos = loop.nanoTime();
        for (ThinDevice device : devices) {
            device.raiseBarrier();
        }
        whenIdle(
                devices,
                0,
                () -> inFlight.drain(() -> committer.whenQuiet(() -> {
                    T result = null;
                    Throwable failure = null;
                    try {
                        result = work.run();
                    } catch (StorageException e) {
                        failure = e;
                    } catch (RuntimeException | Error bug) {
                        failure = bug;
                        faults.failed(bug);
                    }
                    lift(devices, raisedNanos);
                    faults.run(afterwards);
                    if (failure == null) {
                        answer.complete(result);
                    } else {
                        answer.completeExceptionally(failure);
                    }
                })));
    }

    /** Whatever has become of the work, no barrier stays up, and nobody waits behind one. */
    private void lift(List<ThinDevice> devices, long raisedNanos) {
        List<RequestQueue> heldBack = new ArrayList<>();
        for (ThinDevice device : devices) {
            DeviceDetails[] details = new DeviceDetails[1];
            faults.run(() -> details[0] = metadata.detailsIfReadable(device.id()));
            heldBack.add(device.lowerBarrier(details[0]));
        }
        faults.run(() -> counters.barrierDurations.add(loop.nanoTime() - raisedNanos));
        heldBack.forEach(cells::readmit);
    }

    // A device that is idle stays so: what would begin new work on it is held back.
    private void whenIdle(List<ThinDevice> devices, int index, Runnable task) {
        if (index == devices.size()) {
            task.run();
        } else {
            cells.whenIdle(devices.get(index), () -> whenIdle(devices, index + 1, task));
        }
    }
}
