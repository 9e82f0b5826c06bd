package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.PoolAdmin;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.ThinPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Begins again, under their numbers, the jobs that were under way when the daemon ended: each finds what its steps have
 * done, and does what is left (RL-9). Those that are not begun again are told of. While the daemon starts, before
 * anybody can ask for jobs.
 */
final class JobRestart {
    private static final Logger LOG = LoggerFactory.getLogger(JobRestart.class);

    /** After so many ends of the daemon in a row that were none in order it may be the job that ends it. */
    static final int MAX_BEGUN = 3;

    private static final String ENDED = "the daemon ended meanwhile; what was done by then is there, ";

    private final JobFile file;
    private final ThinPool pool;
    private final PoolAdmin door;

    /** @param door what clients' requests go through, with all that is looked at there */
    JobRestart(JobFile file, ThinPool pool, PoolAdmin door) {
        this.file = file;
        this.pool = pool;
        this.door = door;
    }

    void run() throws StorageException {
        List<JobEntry> entries = file.entries();
        long last = 0;
        for (JobEntry entry : entries) {
            last = Math.max(last, entry.id());
            file.begins(entry);
        }
        if (!entries.isEmpty()) {
            file.write(); // so that it counts even if this ends the daemon at once
        }
        ThinPool.join(pool.jobs().keep(List.of(), file));
        for (JobEntry entry : entries) {
            begin(entry);
        }
        ThinPool.join(pool.jobs().numberNext(last + 1));
    }

    private void begin(JobEntry entry) throws StorageException {
        try {
            if (entry.request() == null) {
                throw new StorageException(Errno.EINVAL, "start it again to go on");
            }
            if (entry.begun() >= MAX_BEGUN) {
                throw new StorageException(
                        Errno.EINVAL,
                        "and it was begun again " + entry.begun() + " times, after each of which the daemon ended"
                                + " without being stopped; start it again to go on");
            }
            ThinPool.join(pool.jobs().numberNext(entry.id()));
            ThinPool.join(ask(entry.request()));
            if (entry.paused()) {
                ThinPool.join(pool.jobs().pause(entry.id()));
            }
            LOG.info("job {} goes on after the end of the daemon: {} {}", entry.id(), entry.kind(), entry.what());
        } catch (StorageException e) {
            String why = entry.request() == null || entry.begun() >= MAX_BEGUN ? e.getMessage() : cannot(e);
            LOG.warn("job {} was interrupted: {}{}: {} {}", entry.id(), ENDED, why, entry.kind(), entry.what());
            file.forget(entry.id());
            ThinPool.join(pool.jobs().keep(List.of(entry.interrupted(ENDED + why)), file));
            file.write();
        }
    }

    private static String cannot(StorageException why) {
        return "and it cannot be begun again: " + why.getMessage();
    }

    private CompletableFuture<JobInfo> ask(JobRequest request) throws StorageException {
        return switch (request) {
            case JobRequest.Shrink shrink -> pool.jobs().shrink(shrink.dataBytes());
            case JobRequest.Evacuate evacuate -> pool.jobs()
                    .evacuate(evacuate.offsetBytes(), evacuate.lengthBytes(), evacuate.acceptLosses());
            case JobRequest.Dedupe dedupe -> door.dedupe(
                    new DedupeSpec(names(dedupe.volumes()), false, dedupe.bytesPerSecond()));
            case JobRequest.Defragment defragment -> pool.jobs().defragment(name(defragment.volume()));
            case JobRequest.Independent independent -> pool.jobs().makeIndependent(name(independent.volume()));
            case JobRequest.Detach detach -> pool.jobs().detach(name(detach.volume()));
        };
    }

    private List<String> names(List<Integer> ids) throws StorageException {
        List<String> names = new ArrayList<>();
        for (int id : ids) {
            names.add(name(id));
        }
        return names;
    }

    private String name(int id) throws StorageException {
        for (VolumeInfo volume : pool.volumes()) {
            if (volume.id() == id) {
                return volume.name();
            }
        }
        throw new StorageException(Errno.ENOENT, "there is no volume with the id " + id + " any more");
    }
}
