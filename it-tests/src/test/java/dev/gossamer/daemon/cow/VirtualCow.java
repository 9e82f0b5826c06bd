package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.thin.pool.ThinPool;
import java.util.List;
import java.util.concurrent.Executor;

/** The daemon's classic snapshots on devices that a simulation gives them, with a record that outlives the daemon. */
public final class VirtualCow {
    private VirtualCow() {}

    /** What comes of an attempt to write a file. */
    public enum Writing {
        DONE,
        FAILS,
        /** Whoever waits for it is told that it has failed. */
        DONE_BUT_FAILS
    }

    /** A directory that may not let itself be written to. */
    @FunctionalInterface
    public interface Directory {
        Writing next();
    }

    /** What {@code cow.yaml} says. */
    public static final class KeptRecord {
        private CowConfig config = CowConfig.EMPTY;

        /** Whether a snapshot is there, or was lost, and is neither half made nor half gone nor being merged. */
        public boolean has(String origin, String snapshot) {
            CowConfig.Origin its = config.origin(origin);
            RecordedSnapshot found = its == null ? null : its.snapshot(snapshot);
            return found != null && (found.state() == State.ACTIVE || found.state() == State.LOST);
        }

        public boolean hasOrigin(String origin) {
            return config.origin(origin) != null;
        }

        private void write(CowConfig changed, Writing writing) throws StorageException {
            if (writing != Writing.FAILS) {
                config = changed;
            }
            if (writing != Writing.DONE) {
                throw new StorageException(Errno.EIO, "cow.yaml cannot be written");
            }
        }
    }

    /**
     * As the daemon opens its own.
     *
     * @param losses runs what waits for the record alone
     * @param changes runs what waits for devices, one after the other
     */
    public static CowService open(
            KeptRecord record,
            Directory directory,
            NamedDevices devices,
            ThinPool pool,
            IoLoop worker,
            List<IoLoop> ioLoops,
            Executor losses,
            Executor changes) {
        CowRecord kept = new CowRecord(record.config, changed -> record.write(changed, directory.next()));
        OpenOptions options = new OpenOptions(false, false);
        return CowService.open(
                kept, new CowDevices(devices, options, pool, worker, ioLoops, new CowThreads(losses, changes)));
    }
}
