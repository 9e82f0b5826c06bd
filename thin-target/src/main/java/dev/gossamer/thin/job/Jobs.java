package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.ClientLatency;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRecord;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs of a pool: starts, paces, pauses, resumes, cancels and lists them (RL-7). Worker's thread.
 *
 * <p>After each step comes a rest, as {@link Pace} says: clients have half of the worker's time, and more while jobs
 * are in their way. What its steps have done stays when the pool is closed, as each leaves a sound pool; who opens it
 * again may begin the job anew (RL-9).
 */
public final class Jobs {
    private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);

    /** Jobs under way at once, paused ones included: each may hold a range of blocks and some memory. */
    public static final int MAX_ACTIVE = 4;

    /** Between two steps, at least. */
    public static final long PAUSE_NANOS = Pace.LEAST_NANOS;

    /** How often a job that is paused, or rests, or cannot go on looks whether anything has changed. */
    private static final long LOOK_NANOS = 1_000_000_000L;

    /** Jobs that are over and still listed. */
    public static final int MAX_REMEMBERED = 32;

    private final IoLoop loop;
    private final PoolState state;
    private final PoolFaults faults;
    private final Committer committer;
    private final RangeLocks locks;
    private final TreeMap<Long, Running> jobs = new TreeMap<>();
    // Of the time before the pool was opened; as many as there may be at once.
    private final TreeMap<Long, JobInfo> earlier = new TreeMap<>();
    private final Pace pace = new Pace();
    private JobRecord record = JobRecord.NONE;
    private CompletableFuture<Void> recorded = JobRecord.WRITTEN;
    private final JobFigures figures = new JobFigures();
    private long lastId;
    private boolean closed;
    // For a failure of the pool, at the next tick.
    private boolean looking;
    // Run once no step is under way, as the pool is being closed.
    private Runnable whenQuiet;
    // That has been run: what a step of a failed pool does after that is of no interest.
    private boolean left;

    public Jobs(IoLoop loop, PoolState state, PoolFaults faults, Committer committer, RangeLocks locks) {
        this.loop = loop;
        this.state = state;
        this.faults = faults;
        this.committer = committer;
        this.locks = locks;
        faults.afterBug(new Wakeup(loop, this::afterBug)::call);
    }

    /** EBUSY if there are as many jobs as there may be. */
    public void checkRoom() throws StorageException {
        if (active() >= MAX_ACTIVE) {
            throw new StorageException(
                    Errno.EBUSY,
                    MAX_ACTIVE + " jobs are under way, the most at once; 'gossamer job list' shows them, wait for one"
                            + " to end or cancel it");
        }
        checkOpen();
    }

    /** ESHUTDOWN once the pool is being closed. */
    void checkOpen() throws StorageException {
        if (closed) {
            throw new StorageException(Errno.ESHUTDOWN, "the pool is being closed");
        }
    }

    /** Starts a job, for which there {@link #checkRoom is room}. */
    public JobInfo start(Job job) throws StorageException {
        checkRoom();
        Running running = new Running(++lastId, job);
        try {
            jobs.put(running.id, running);
            count();
            LOG.info("job {} started: {} {}", running.id, job.kind(), job.what());
            running.schedule(0);
            JobInfo info = running.info();
            recorded = record.started(info, job.request());
            lookForFailure();
            return info;
        } catch (RuntimeException | Error bug) {
            running.schedules++; // what is scheduled does not begin
            jobs.remove(running.id); // nor is there one that never ends
            throw bug;
        }
    }

    /** Completes when whoever writes down jobs has written down the latest. */
    public CompletableFuture<Void> recorded() {
        return recorded;
    }

    /** Takes over those of the time before that are not begun again, and names who writes down those that come. */
    public void keep(List<JobInfo> interrupted, JobRecord itsRecord) {
        record = itsRecord;
        for (JobInfo each : interrupted) {
            earlier.put(each.id(), each);
            lastId = Math.max(lastId, each.id());
        }
    }

    /** The next one that is started has this number, which no other has had since the pool was opened. */
    public void numberNext(long id) {
        lastId = id - 1;
    }

    /** No step of a failed pool ends, be it failed by a bug, or at a time that nobody tells: looked at each second. */
    private void lookForFailure() {
        if (looking || closed || active() == 0) {
            return;
        }
        looking = true;
        loop.schedule(
                () -> {
                    looking = false;
                    try {
                        endLost();
                    } finally {
                        lookForFailure();
                    }
                },
                LOOK_NANOS);
    }

    private void afterBug() {
        endLost();
        lookQuiet();
    }

    private void endLost() {
        if (state.mode() == PoolMode.FAIL && !closed) {
            List.copyOf(jobs.values()).forEach(Running::lost);
        }
    }

    /** Names those whose latency jobs are to watch. */
    public void watch(ClientLatency clients) {
        pace.watch(clients);
    }

    /** How many there are. */
    public JobFigures figures() {
        return figures;
    }

    private void count() {
        int active = active();
        pace.working(active > 0, loop.nanoTime());
        figures.set(active, pace.factor());
    }

    /** All that are under way, and the latest that are over, oldest first. */
    public List<JobInfo> list() {
        List<JobInfo> infos = new ArrayList<>(earlier.values());
        jobs.values().forEach(job -> infos.add(job.info()));
        return infos;
    }

    /** ENOENT if there is no such job, or it is forgotten. */
    public JobInfo show(long id) throws StorageException {
        JobInfo before = earlier.get(id);
        return before == null ? find(id).info() : before;
    }

    /** No step begins until it is resumed. */
    public JobInfo pause(long id) throws StorageException {
        Running job = active(id);
        if (job.state == JobInfo.State.RUNNING) {
            job.state = JobInfo.State.PAUSED;
            job.time.stand(loop.nanoTime());
            job.schedule(LOOK_NANOS);
        }
        return changed(job);
    }

    /** Goes on with a paused job. */
    public JobInfo resume(long id) throws StorageException {
        Running job = active(id);
        if (job.state == JobInfo.State.PAUSED) {
            job.state = JobInfo.State.RUNNING;
            job.time.goOn(loop.nanoTime());
            job.restUntil = loop.nanoTime();
            job.schedule(0);
        }
        return changed(job);
    }

    private JobInfo changed(Running job) {
        JobInfo info = job.info();
        record.changed(info);
        return info;
    }

    /** No further step begins; what has been done stays. */
    public JobInfo cancel(long id) throws StorageException {
        Running job = active(id);
        job.cancelled = true;
        job.job.stop();
        job.schedule(0);
        return job.info();
    }

    /** Whether a job is over, or forgotten. */
    boolean isOver(long id) {
        Running job = jobs.get(id);
        return job == null || job.state.isFinal();
    }

    /** How many are not over. */
    public int active() {
        return (int) jobs.values().stream().filter(job -> !job.state.isFinal()).count();
    }

    /**
     * No step begins any more, and none waits for a hold: the pool is being closed.
     *
     * @param quiet run once, perhaps before this returns, when the steps that are under way have ended; those that wait
     *     for a hold never do, and have nothing on its way, and one that has met a bug may not
     */
    public void close(Runnable quiet) {
        closed = true;
        whenQuiet = quiet;
        jobs.values().stream().filter(job -> !job.state.isFinal()).forEach(job -> {
            LOG.warn(
                    "job {} ends with the pool, {} of {} bytes done, which stay: {} {}",
                    job.id,
                    job.job.doneBytes(),
                    job.job.totalBytes(),
                    job.job.kind(),
                    job.job.what());
            job.job.stop();
        });
        locks.close(this::lookQuiet);
        lookQuiet();
    }

    private void lookQuiet() {
        long stepping = jobs.values().stream().filter(job -> job.stepping).count();
        boolean ended = stepping <= locks.waitingInVain() || state.mode() == PoolMode.FAIL;
        if (whenQuiet != null && ended) {
            Runnable told = whenQuiet;
            whenQuiet = null;
            left = true;
            faults.run(told);
        }
    }

    private Running find(long id) throws StorageException {
        Running job = jobs.get(id);
        if (job == null) {
            throw new StorageException(Errno.ENOENT, "there is no job " + id + "; 'gossamer job list' shows all");
        }
        return job;
    }

    private Running active(long id) throws StorageException {
        if (earlier.containsKey(id)) {
            throw new StorageException(
                    Errno.EINVAL,
                    "job " + id + " is over: it was interrupted: "
                            + earlier.get(id).message());
        }
        Running job = find(id);
        if (job.state.isFinal() || job.ending) {
            throw new StorageException(
                    Errno.EINVAL, "job " + id + " is over" + (job.message.isEmpty() ? "" : ": " + job.message));
        }
        return job;
    }

    private void forgetOldest() {
        List<Long> over = jobs.values().stream()
                .filter(job -> job.state.isFinal())
                .map(job -> job.id)
                .toList();
        over.subList(0, Math.max(0, over.size() - MAX_REMEMBERED)).forEach(jobs::remove);
    }

    /** A job under way, or over. */
    private final class Running implements Job.StepEnd {
        final long id;
        // Null once it is over: some have tables of many MiB.
        private Job job;
        private JobInfo over;
        final Instant startedAt = Instant.ofEpochMilli(System.currentTimeMillis());
        final JobTime time = new JobTime(loop.nanoTime());
        JobInfo.State state = JobInfo.State.RUNNING;
        String message = "";
        boolean cancelled;
        // Its last commit is under way.
        boolean ending;
        // Of what is scheduled, the latest counts.
        private long schedules;
        private boolean stepping;
        private long stepSince;
        private long restUntil = loop.nanoTime();
        private String waitsFor = "";
        private long doneBytes;
        private long totalBytes;

        Running(long id, Job job) {
            this.id = id;
            this.job = job;
        }

        void schedule(long nanos) {
            if (!stepping && !ending) {
                long its = ++schedules;
                loop.schedule(
                        () -> {
                            if (its == schedules) {
                                run();
                            }
                        },
                        nanos);
            }
        }

        private void run() {
            if (closed || stepping || ending) {
                return;
            }
            if (cancelled) {
                end(JobInfo.State.CANCELLED, "cancelled; what was done by then stays");
            } else if (Jobs.this.state.isMetadataReadOnly()) {
                failed(new StorageException(
                        Errno.EROFS, "the pool is " + Jobs.this.state.mode().word() + ": " + Jobs.this.state.cause()));
            } else if (Jobs.this.state.mode() == PoolMode.OUT_OF_DATA_SPACE && job.takesSpace()) {
                failed(new StorageException(
                        Errno.ENOSPC,
                        "the pool has run out of data space, which this job keeps from volumes; trim or delete some,"
                                + " then start again"));
            } else if (state != JobInfo.State.RUNNING) {
                schedule(LOOK_NANOS);
            } else if (restUntil - loop.nanoTime() > 0) {
                rest();
            } else if (mustWait()) {
                schedule(LOOK_NANOS);
            } else {
                stepping = true;
                stepSince = loop.nanoTime();
                try {
                    job.rest(pace.factor());
                    job.step(this);
                } catch (StorageException e) {
                    failed(e);
                } catch (RuntimeException | Error bug) {
                    faults.failed(bug);
                    failed(bug);
                }
            }
        }

        /** For what goes on without it and may last. */
        private boolean mustWait() {
            waitsFor = job.waitsFor();
            if (waitsFor.isEmpty()) {
                time.goOn(loop.nanoTime());
            } else {
                time.stand(loop.nanoTime());
            }
            return !waitsFor.isEmpty();
        }

        /** As long as it is to, but never so long that volumes go without what it keeps from them. */
        private void rest() {
            schedule(Math.min(LOOK_NANOS, restUntil - loop.nanoTime()));
        }

        @Override
        public void next() {
            if (over != null) {
                return;
            }
            stepping = false;
            long now = loop.nanoTime();
            long rest = pace.restNanos(now - stepSince, now);
            figures.set(figures.activeCount(), pace.factor());
            restUntil = cancelled ? now : now + Math.max(rest, job.pauseNanos());
            rest();
            lookQuiet();
        }

        @Override
        public void done(String result) {
            end(JobInfo.State.DONE, result);
        }

        @Override
        public void failed(Throwable cause) {
            end(JobInfo.State.FAILED, cause instanceof StorageException ? cause.getMessage() : Reason.of(cause));
        }

        /** Over when what it has done is durable (CL-7). */
        private void end(JobInfo.State its, String result) {
            if (left || over != null) {
                return;
            }
            stop();
            committer.whenQuiet(() -> {
                if (over != null) {
                    return;
                }
                JobInfo.State last = its;
                String said = result;
                try {
                    if (!Jobs.this.state.isMetadataReadOnly()) {
                        committer.commitNow();
                    } else if (its == JobInfo.State.DONE) {
                        throw new StorageException(Errno.EROFS, Jobs.this.state.cause());
                    }
                } catch (StorageException e) {
                    last = JobInfo.State.FAILED;
                    said = "its last steps were lost: " + e.getMessage();
                }
                over(last, said);
            });
            lookQuiet();
        }

        /** The pool has failed: no step, and no commit, ends any more. */
        private void lost() {
            if (!left && over == null) {
                if (!ending) {
                    stop();
                }
                over(JobInfo.State.FAILED, "the pool has failed: " + Jobs.this.state.cause());
                lookQuiet();
            }
        }

        private void stop() {
            stepping = false;
            ending = true;
            doneBytes = job.doneBytes();
            totalBytes = job.totalBytes();
            faults.run(job::ended);
        }

        private void over(JobInfo.State last, String result) {
            message = result;
            state = last;
            figures.ended(last);
            count();
            over = info();
            job = null;
            LOG.info("job {} is over: {}: {}", id, state, message);
            record.ended(over);
            forgetOldest();
        }

        private String now() {
            return waitsFor + job.message() + (state == JobInfo.State.RUNNING ? pace.slowness() : "");
        }

        JobInfo info() {
            if (over != null) {
                return over;
            }
            long done = ending ? doneBytes : job.doneBytes();
            long total = ending ? totalBytes : job.totalBytes();
            return new JobInfo(
                    id,
                    job.kind(),
                    job.what(),
                    state,
                    done,
                    total,
                    startedAt,
                    state.isFinal() ? 0 : time.remainingSeconds(done, total, loop.nanoTime()),
                    message.isEmpty() ? now() : message,
                    job.lost());
        }
    }
}
