package dev.gossamer.thin.message;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
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
        new Raised<>(devices, afterwards, answer, work).raise();
    }

    /** A barrier on its way: up until it ends, which it does whatever throws in between. */
    private final class Raised<T> {
        private final List<ThinDevice> devices;
        private final Runnable afterwards;
        private final CompletableFuture<T> answer;
        private final AtRest<T> work;
        private final long raisedNanos = loop.nanoTime();
        private int idle;
        private boolean over;

        Raised(List<ThinDevice> devices, Runnable afterwards, CompletableFuture<T> answer, AtRest<T> work) {
            this.devices = devices;
            this.afterwards = afterwards;
            this.answer = answer;
            this.work = work;
        }

        void raise() {
            for (int i = 0; i < devices.size(); i++) {
                devices.get(i).raiseBarrier();
            }
            waitForCells();
        }

        // A device that is idle stays so: what would begin new work on it is held back.
        private void waitForCells() {
            try {
                if (idle == devices.size()) {
                    inFlight.drain(this::waitForCommit);
                } else {
                    cells.whenIdle(devices.get(idle++), this::waitForCells);
                }
            } catch (RuntimeException | Error bug) {
                broken(bug);
            }
        }

        private void waitForCommit() {
            try {
                committer.whenQuiet(this::atRest);
            } catch (RuntimeException | Error bug) {
                broken(bug);
            }
        }

        private void atRest() {
            if (over) {
                return;
            }
            try {
                T result = work.run();
                lift();
                answer.complete(result);
            } catch (StorageException e) {
                lift();
                answer.completeExceptionally(e);
            } catch (RuntimeException | Error bug) {
                broken(bug);
            }
        }

        private void broken(Throwable bug) {
            faults.failed(bug);
            lift();
            answer.completeExceptionally(bug);
        }

        /** Whatever has become of the work, no barrier stays up, and nobody waits behind one. */
        private void lift() {
            if (over) {
                return;
            }
            over = true;
            for (int i = 0; i < devices.size(); i++) {
                devices.get(i).lowerBarrier(details(devices.get(i)));
            }
            for (int i = 0; i < devices.size(); i++) {
                cells.readmit(devices.get(i).cells().behindBarrier());
            }
            faults.run(this::count);
            faults.run(afterwards);
        }

        private DeviceDetails details(ThinDevice device) {
            try {
                return metadata.detailsIfReadable(device.id());
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
                return null;
            }
        }

        private void count() {
            counters.barrierDurations.add(loop.nanoTime() - raisedNanos);
        }
    }
}
