package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;

/**
 * One NBD BLOCK_STATUS: a range, the questions, and then the answers (NBD T41 to T46). Used again and again by the
 * connection that owns it; belongs to the worker from {@code ThinVolume.queryStatus} until the completion runs.
 *
 * <p>All answers come from one state of the mappings. Each covers the range from its start, but perhaps not to its end:
 * at least one extent, at most {@link #MAX_EXTENTS}, and no more than the worker can look through at once.
 */
public final class StatusQuery {
    /** Extents of one answer; the protocol would allow 2^20 (T44). */
    public static final int MAX_EXTENTS = 1 << 16;

    private static final StatusContext[] NO_CONTEXTS = {};

    /** Told, on the query's loop, that the answer is there. */
    public interface Completion {
        void answered(StatusQuery query);
    }

    private final Completion completion;
    private Wakeup notification;
    private StatusExtents[] answers = {};
    private StatusContext[] contexts = NO_CONTEXTS;
    private IoLoop loop;
    private long offsetBytes;
    private long lengthBytes;
    private int maxExtents;
    private int errno;

    public StatusQuery(Completion completion) {
        this.completion = completion;
    }

    /**
     * Sets what to ask.
     *
     * @param newLoop where the completion will run
     * @param onlyOne one extent per question, as long as it can be (REQ_ONE)
     * @param newContexts resolved for the volume that will be asked; not copied
     */
    public void prepare(
            IoLoop newLoop, long newOffsetBytes, long newLengthBytes, boolean onlyOne, StatusContext... newContexts) {
        if (!newLoop.equals(loop)) {
            notification = new Wakeup(newLoop, this::notifyOwner);
            loop = newLoop;
        }
        offsetBytes = newOffsetBytes;
        lengthBytes = newLengthBytes;
        maxExtents = onlyOne ? 1 : MAX_EXTENTS;
        contexts = newContexts;
        errno = Errno.EINVAL;
        if (answers.length < contexts.length) {
            StatusExtents[] more = new StatusExtents[contexts.length];
            for (int i = 0; i < more.length; i++) {
                more[i] = i < answers.length ? answers[i] : new StatusExtents();
            }
            answers = more;
        }
    }

    /** Makes the answers shorter: at most so many extents each, at least 1. */
    public void limitExtents(int limit) {
        maxExtents = Math.min(maxExtents, limit);
    }

    /**
     * OK; EINVAL for an empty range, one beyond the volume's end, or no question; EIO if metadata could not be read.
     */
    public int errno() {
        return errno;
    }

    /** The question that answer {@code index} is about. */
    public StatusContext context(int index) {
        return contexts[index];
    }

    /** Number of questions. */
    public int contexts() {
        return contexts.length;
    }

    /** Extents in an answer: at least one. */
    public int count(int index) {
        return answers[index].count();
    }

    /** Length of an extent, greater than 0. */
    public long lengthBytes(int index, int extent) {
        return answers[index].lengthBytes(extent);
    }

    /** Flags of an extent, as the question's {@link StatusKind} defines them. */
    public int flags(int index, int extent) {
        return answers[index].flags(extent);
    }

    // ---- for the worker ------------------------------------------------------------------------------------------

    public long offsetBytes() {
        return offsetBytes;
    }

    public long lengthBytes() {
        return lengthBytes;
    }

    /** Makes an answer ready to be filled. */
    public StatusExtents beginAnswer(int index) {
        StatusExtents answer = answers[index];
        answer.begin(offsetBytes, offsetBytes + lengthBytes, maxExtents);
        return answer;
    }

    public void complete(int newErrno) {
        errno = newErrno;
        if (!notification.call()) {
            notifyOwner(); // the loop has no thread any more
        }
    }

    private void notifyOwner() {
        completion.answered(this);
    }
}
