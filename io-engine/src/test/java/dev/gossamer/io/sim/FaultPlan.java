package dev.gossamer.io.sim;

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
        long seen;

        Rule(BlockOperation operation, long firstCount, long lastCount, long offsetBytes, long endBytes, int errno) {
            this.operation = operation;
            this.firstCount = firstCount;
            this.lastCount = lastCount;
            this.offsetBytes = offsetBytes;
            this.endBytes = endBytes;
            this.errno = errno;
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
                    + " (seen " + seen + ")";
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

    synchronized int next(BlockRequest request) {
        operations++;
        int errno = Errno.OK;
        for (Rule rule : rules) {
            if (rule.hits(request) && errno == Errno.OK) {
                errno = rule.errno;
            }
        }
        if (errno != Errno.OK) {
            failures++;
        }
        return errno;
    }

    @Override
    public synchronized String toString() {
        return rules.isEmpty()
                ? "no faults"
                : rules.stream().map(Rule::toString).collect(Collectors.joining("; "));
    }
}
