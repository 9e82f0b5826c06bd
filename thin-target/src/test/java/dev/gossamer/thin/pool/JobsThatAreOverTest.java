package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRecord;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.job.Job;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What jobs have taken of the heap ends with them; what they came to is told on. */
class JobsThatAreOverTest {
    private static final int BLOCK = SimPool.BLOCK;

    private SimPool sim;
    private JobRig jobs;

    @BeforeEach
    void pool() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(2 << 20);
        SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 1);
        jobs = new JobRig(sim);
        ThinVolume v = sim.create("v", 16L * BLOCK);
        assertEquals(Errno.OK, sim.write(v, 0, ThinPoolTest.bytes(1, 8 * BLOCK)));
        v.close();
    }

    @AfterEach
    void close() {
        sim.close();
    }

    @Test
    void aJobThatIsOverIsNotKept() throws StorageException {
        JobInfo[] info = new JobInfo[1];
        WeakReference<Job> job = startOneStep(info);
        JobInfo over = jobs.finish(info[0]);
        assertEquals(JobInfo.State.DONE, over.state());
        for (int i = 0; i < 100 && job.get() != null; i++) {
            System.gc();
        }
        assertNull(job.get(), "nobody needs it any more");
        assertEquals(over, jobs.show(info[0].id()));
        assertEquals("worked", over.message());
        assertEquals(7, over.doneBytes());
        assertEquals(over, jobs.list().getLast());
    }

    private WeakReference<Job> startOneStep(JobInfo[] info) throws StorageException {
        Job job = new OneStep();
        info[0] = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> sim.pool.parts.jobs.start(job)));
        return new WeakReference<>(job);
    }

    private static final class OneStep extends Job {
        OneStep() {
            super("one step", "nothing");
        }

        @Override
        protected long doneBytes() {
            return 7;
        }

        @Override
        protected long totalBytes() {
            return 7;
        }

        @Override
        protected void step(StepEnd end) {
            end.done("worked");
        }

        @Override
        protected void ended() {}
    }

    /** Of a failed pool no step ends, and no commit: who waits for the job must not wait for ever. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aJobOfAPoolThatFailsIsOver(boolean inAStep) throws StorageException {
        List<String> ends = new ArrayList<>();
        sim.await(sim.pool.jobs().keep(List.of(), new JobRecord() {
            @Override
            public CompletableFuture<Void> started(JobInfo job, JobRequest request) {
                return WRITTEN;
            }

            @Override
            public void changed(JobInfo job) {}

            @Override
            public void ended(JobInfo job) {
                ends.add(job.id() + " " + job.state());
            }
        }));
        Hanging job = new Hanging();
        JobInfo info = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> sim.pool.parts.jobs.start(job)));
        sim.loops.advance(10_000_000L);
        if (!inAStep) {
            sim.await(sim.pool.jobs().pause(info.id()));
            job.end.next();
        }
        assertFalse(jobs.show(info.id()).state().isFinal());
        sim.pool.parts.loop.execute(() -> sim.pool.parts.faults.failed(new IllegalStateException("a bug")));
        sim.loops.advance(3_000_000_000L);
        JobInfo over = jobs.show(info.id());
        assertEquals(JobInfo.State.FAILED, over.state());
        assertTrue(over.message().contains("internal error"), over.message());
        assertEquals(1, job.given, "what it held is given back once");
        job.end.done("late");
        job.end.next();
        sim.loops.advance(3_000_000_000L);
        assertEquals(over, jobs.show(info.id()));
        assertEquals(List.of(info.id() + " FAILED"), ends);
        assertEquals(0, sim.pool.jobs().activeCount());
    }

    /** Its step does not end. */
    private static final class Hanging extends Job {
        private StepEnd end;
        private int given;

        Hanging() {
            super("hanging", "nothing");
        }

        @Override
        protected long doneBytes() {
            return 0;
        }

        @Override
        protected long totalBytes() {
            return 0;
        }

        @Override
        protected void step(StepEnd itsEnd) {
            end = itsEnd;
        }

        @Override
        protected void ended() {
            given++;
        }
    }

    @Test
    void aPoolIsDedupedOnceAtATime() throws StorageException {
        JobInfo first = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
        StorageException busy = assertThrows(
                StorageException.class, () -> sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL)));
        assertEquals(Errno.EBUSY, busy.errno());
        assertTrue(busy.getMessage().startsWith("job " + first.id() + " dedupes already"), busy.getMessage());
        assertEquals(JobInfo.State.DONE, jobs.finish(first).state());
        JobInfo second = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
        assertEquals(JobInfo.State.DONE, jobs.finish(second).state());
        sim.await(sim.pool.deleteVolume("v"));
    }
}
