package dev.gossamer.thin;

/** Writes down which jobs are under way, so that the next one to open the pool can tell which have been interrupted. */
public interface JobRecord {
    /** Nobody does. */
    JobRecord NONE = new JobRecord() {
        @Override
        public void started(JobInfo job) {}

        @Override
        public void ended(JobInfo job) {}
    };

    /** A job begins. On the worker's thread, which must not be kept. */
    void started(JobInfo job);

    /** A job is over, durably. On the worker's thread, which must not be kept. */
    void ended(JobInfo job);
}
