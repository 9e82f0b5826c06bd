package dev.gossamer.thin.job;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.LostRange;
import java.util.List;

/**
 * Work in bounded steps, each of which leaves a sound pool. {@link Jobs} runs them one by one, with pauses. Worker's
 * thread.
 */
public abstract class Job {
    /** What a step tells, once, when it has ended; perhaps before it returns. */
    public interface StepEnd {
        /** There is more to do. */
        void next();

        /** All is done. */
        void done(String message);

        /** It cannot go on; what earlier steps have done stays. */
        void failed(Throwable cause);
    }

    private int restFactor = 1;
    private boolean stopped;
    private final String kind;
    private final String what;

    /**
     * @param kind one word
     * @param what what it works on, for people
     */
    protected Job(String kind, String what) {
        this.kind = kind;
        this.what = what;
    }

    /** The kind of work, one word. */
    public final String kind() {
        return kind;
    }

    /** What it works on. */
    public final String what() {
        return what;
    }

    /** Clients are slower than usual: it rests so many times as long as it works, and takes less at a time. */
    final void rest(int factor) {
        restFactor = factor;
    }

    /** What it does step by step is not wanted any more: a step that holds nothing ends soon. */
    final void stop() {
        stopped = true;
    }

    /** Whether it has been cancelled, or the pool is being closed. */
    protected final boolean isStopped() {
        return stopped;
    }

    /** How much of the most that it may to take at a time now: all of it, while it is in nobody's way. */
    protected final int atATime(long most) {
        return (int) Math.max(1, most / restFactor);
    }

    /** Bytes gone through. */
    protected abstract long doneBytes();

    /** Bytes to go through; 0: not known yet. */
    protected abstract long totalBytes();

    /** How long it wants to rest after the step that it has ended, at least. */
    protected long pauseNanos() {
        return 0;
    }

    /**
     * Whether it takes data blocks, or keeps some from being allocated: then it ends when a volume finds none (RL-7).
     */
    protected boolean takesSpace() {
        return true;
    }

    /**
     * What keeps it from its next step, for people, with a separator behind it; empty: nothing does. It is asked again
     * each second. That may last: it holds nothing of clients' meanwhile.
     */
    protected String waitsFor() {
        return "";
    }

    /** What it was asked to do, to begin it again after the pool was closed; null: that must not be. */
    protected JobRequest request() {
        return null;
    }

    /** What it is about at this moment; may be empty. */
    protected String message() {
        return "";
    }

    /** Ranges of volumes that it has given up, as far as they are told. */
    protected List<LostRange> lost() {
        return List.of();
    }

    /** One step. What it throws ends the job as {@link StepEnd#failed} does. */
    protected abstract void step(StepEnd end) throws StorageException;

    /** The job is over, whatever came of it, and no step follows: gives back what it holds. Once. */
    protected abstract void ended();
}
