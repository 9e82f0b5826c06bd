package dev.gossamer.thin.pool;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.job.CloneStart;
import dev.gossamer.thin.job.Jobs;
import dev.gossamer.thin.job.MoveLimits;
import dev.gossamer.thin.job.MoveStart;
import dev.gossamer.thin.job.RangeLocks;
import dev.gossamer.thin.job.Stepping;
import java.util.List;

/** Jobs of a pool under test: run to their end, or step by step with a look in between. */
final class JobRig {
    final SimPool sim;

    JobRig(SimPool sim) {
        this.sim = sim;
    }

    /** Steps of so many blocks. */
    static Stepping steps(int blocks) {
        return new Stepping() {
            @Override
            public void between(Runnable next) {
                next.run();
            }

            @Override
            public int stepBlocks() {
                return blocks;
            }
        };
    }

    static CloneSpec whole(String source, String destination) {
        return new CloneSpec(source, 0, CloneSpec.TO_THE_END, destination, 0, false);
    }

    /** Starts a clone in small steps, or with holds of another kind. */
    JobInfo start(CloneSpec spec, Stepping stepping, RangeLocks locks) throws StorageException {
        PoolParts parts = sim.pool.parts;
        MetadataChange change = new MetadataChange(parts.metadata, parts.state, parts.faults, parts.committer);
        CloneStart clones = new CloneStart(
                parts.metadata, parts.devices, change, parts.jobs, locks, parts.stepChange, stepping, parts.promises);
        return sim.await(WorkerCalls.call(parts.loop, () -> clones.start(spec)));
    }

    JobInfo start(CloneSpec spec, Stepping stepping) throws StorageException {
        return start(spec, stepping, sim.pool.parts.rangeLocks);
    }

    /** What moves blocks, with other limits. */
    MoveStart moves(MoveLimits limits, PoolGrowth growth) {
        PoolParts parts = sim.pool.parts;
        MetadataChange change = new MetadataChange(parts.metadata, parts.state, parts.faults, parts.committer);
        return new MoveStart(change, parts.committer, parts.jobs, parts.moveParts.within(limits), parts.events, growth);
    }

    JobInfo start(CloneSpec spec) throws StorageException {
        return sim.await(sim.pool.jobs().cloneRange(spec));
    }

    /** Lets time pass until a job is over. */
    JobInfo finish(JobInfo job) throws StorageException {
        JobInfo now = job;
        for (int i = 0; i < 100_000 && !now.state().isFinal(); i++) {
            sim.loops.advance(Jobs.PAUSE_NANOS);
            now = show(job.id());
        }
        return now;
    }

    JobInfo show(long id) throws StorageException {
        return sim.await(sim.pool.jobs().show(id));
    }

    List<JobInfo> list() throws StorageException {
        return sim.await(sim.pool.jobs().list());
    }

    /** Clones, and expects that to succeed. */
    void cloneNow(CloneSpec spec) throws StorageException {
        JobInfo over = finish(start(spec));
        if (over.state() != JobInfo.State.DONE) {
            throw new AssertionError(over);
        }
    }
}
