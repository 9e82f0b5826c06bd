package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Which requests of a {@link FaultyDevice} fail, counted from 1 and from the plan's beginning. */
public final class FaultPlan {
    private static final long FOREVER = Long.MAX_VALUE;

    /** {@code operation} null: any. The rule counts what matches its operation and range. */
    private static final class Rule {
        final BlockOperation operation;
        final long firstCount;
        final long lastCount;
        final long offsetBytes;
        final long endBytes;
        final int errno;
        final boolean done;
        long seen;

        Rule(BlockOperation operation, long firstCount, long lastCount, long offsetBytes, long endBytes, int errno) {
            this(operation, firstCount, lastCount, offsetBytes, endBytes, errno, false);
        }

        Rule(
                BlockOperation operation,
                long firstCount,
                long lastCount,
                long offsetBytes,
                long endBytes,
                int errno,
                boolean done) {
            this.operation = operation;
            this.firstCount = firstCount;
            this.lastCount = lastCount;
            this.offsetBytes = offsetBytes;
            this.endBytes = endBytes;
            this.errno = errno;
            this.done = done;
        }

        boolean hits(BlockRequest request) {
            if (operation != null && operation != request.operation()) {
                return false;
            }
            if (offsetBytes != 0 || endBytes != FOREVER) {
                boolean touches = request.operation() != BlockOperation.FLUSH
                        && request.offsetBytes() < endBytes
                        && request.offsetBytes() + request.lengthBytes() > offsetBytes;
                if (!touches) {
                    return false;
                }
            }
            seen++;
            return seen >= firstCount && seen <= lastCount;
        }

        @Override
        public String toString() {
            String which = firstCount == lastCount
                    ? "#" + firstCount
                    : lastCount == FOREVER ? "from #" + firstCount : "#" + firstCount + "..#" + lastCount;
            String where = offsetBytes == 0 && endBytes == FOREVER ? "" : " in [" + offsetBytes + ", " + endBytes + ")";
            return (operation == null ? "ANY" : operation) + " " + which + where + " -> " + Errno.name(errno)
                    + (done ? ", but done" : "") + " (seen " + seen + ")";
        }
    }

    private final List<Rule> rules = new ArrayList<>();
    private long operations;
    private long failures;

    /** A plan without faults, to add to. */
    public FaultPlan() {}

    /** The n-th request of this operation fails, once. */
    public FaultPlan fail(BlockOperation operation, long nth, int errno) {
        return add(new Rule(operation, nth, nth, 0, FOREVER, errno));
    }

    /** The n-th request of any kind fails, once. */
    public FaultPlan failAny(long nth, int errno) {
        return fail(null, nth, errno);
    }

    /** The n-th request of this operation (null: of any) is carried out, and fails all the same. */
    public FaultPlan failButDone(BlockOperation operation, long nth, int errno) {
        return add(new Rule(operation, nth, nth, 0, FOREVER, errno, true));
    }

    /** All requests of this operation (null: of any) fail from the first to the last count, both included. */
    public FaultPlan failDuring(BlockOperation operation, long first, long last, int errno) {
        return add(new Rule(operation, first, last, 0, FOREVER, errno));
    }

    /** From now until {@link #heal} all requests of this operation (null: of any) fail. */
    public FaultPlan failAlways(BlockOperation operation, int errno) {
        return add(new Rule(operation, 1, FOREVER, 0, FOREVER, errno));
    }

    /** From now until {@link #heal} requests of this operation (null: of any but FLUSH) that touch the range fail. */
    public FaultPlan failRange(BlockOperation operation, long offsetBytes, long lengthBytes, int errno) {
        return add(new Rule(operation, 1, FOREVER, offsetBytes, offsetBytes + lengthBytes, errno));
    }

    /** The first so many READs that touch a byte fail. */
    public FaultPlan failReadsOf(long offsetBytes, long count, int errno) {
        return add(new Rule(BlockOperation.READ, 1, count, offsetBytes, offsetBytes + 1, errno));
    }

    private synchronized FaultPlan add(Rule rule) {
        rules.add(rule);
        return this;
    }

    /** Drops all faults; the device works again. */
    public synchronized void heal() {
        rules.clear();
    }

    /** Requests seen. */
    public synchronized long operations() {
        return operations;
    }

    /** Requests failed. */
    public synchronized long failures() {
        return failures;
    }

    /** Passes a request on to the device below, or fails it. */
    void submit(BlockRequest request, BlockDevice below) {
        Rule rule = next(request);
        if (rule == null) {
            below.submit(request);
        } else if (rule.done) {
            request.push((done, errno) -> done.complete(rule.errno));
            below.submit(request);
        } else {
            request.loop().execute(() -> request.complete(rule.errno));
        }
    }

    /** The first rule that hits it; null if none does. All rules count it. */
    private synchronized Rule next(BlockRequest request) {
        operations++;
        Rule first = null;
        for (Rule rule : rules) {
            if (rule.hits(request) && first == null) {
                first = rule;
            }
        }
        failures += first == null ? 0 : 1;
        return first;
    }

    @Override
    public synchronized String toString() {
        return rules.isEmpty()
                ? "no faults"
                : rules.stream().map(Rule::toString).collect(Collectors.joining("; "));
    }
}
