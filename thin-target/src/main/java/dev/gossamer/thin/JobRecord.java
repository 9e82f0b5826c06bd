package dev.gossamer.thin;

import java.util.concurrent.CompletableFuture;

/**
 * Writes down which jobs are under way, so that the next one to open the pool can begin them again, or tell which have
 * been interrupted (RL-9). On the worker's thread, which must not be kept.
 */
public interface JobRecord {
    /** There is nothing to be waited for. */
    CompletableFuture<Void> WRITTEN = CompletableFuture.completedFuture(null);

    /** Nobody does. */
    JobRecord NONE = new JobRecord() {
        @Override
        public CompletableFuture<Void> started(JobInfo job, JobRequest request) {
            return WRITTEN;
        }

        @Override
        public void changed(JobInfo job) {}

        @Override
        public void ended(JobInfo job) {}
    };

    /**
     * A job begins.
     *
     * @param request what it was asked to do; null: it is not to be begun again
     * @return completes when that is written down durably, or cannot be
     */
    CompletableFuture<Void> started(JobInfo job, JobRequest request);

    /** A job has been paused, or goes on. */
    void changed(JobInfo job);

    /** A job is over, durably. */
    void ended(JobInfo job);
}
