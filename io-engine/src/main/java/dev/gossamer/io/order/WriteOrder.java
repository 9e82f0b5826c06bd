package dev.gossamer.io.order;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStages;
import dev.gossamer.io.Wakeup;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Lets overlapping writes of one device (WRITE, WRITE_ZEROES, TRIM) be carried out in the order in which they were
 * received, on whichever loop and connection (NBD T51a). A client that has given up on a connection sends its
 * unanswered writes again on another: the first copy must not arrive at the disk after the second, or after what the
 * client wrote next.
 *
 * <ol>
 *   <li>A write publishes its range in its loop's {@link WriteRanges}, <em>then</em> draws a ticket. That is one atomic
 *       addition, and there is no other step that loops share.
 *   <li>It looks for overlapping ranges with a lower ticket. Who drew a lower one had published before, so each of two
 *       overlapping writes either sees the other or is the older one.
 *   <li>What another loop has is read without a lock, and can only be too much. If there may be something, the write
 *       goes to that loop by message, where tickets are exact, and waits there for the range to end.
 *   <li>When a write is done, its range ends, and who waited for it looks for the next older one.
 * </ol>
 *
 * <p>Only lower tickets are waited for, so there is no circle. A write keeps its range while the worker has it, also
 * while it waits for space; an overlapping TRIM then waits too, which is what the order says. Of a request that is
 * split only the whole has a range. A write without an overlap takes no lock and allocates nothing; one that waits
 * costs an object. Waiters are bounded by the requests that connections may have under way.
 */
public final class WriteOrder {
    private final WriteRanges[] ranges;
    private final AtomicLong tickets = new AtomicLong();

    /** @param loops those that the device takes requests from, each at its own index */
    public WriteOrder(List<? extends IoLoop> loops) {
        ranges = new WriteRanges[loops.size()];
        for (IoLoop loop : loops) {
            ranges[loop.index()] = new WriteRanges(loop);
        }
    }

    /**
     * Takes a write in, until it completes. On its loop.
     *
     * @param inTurn called on the same loop if it is not its turn now
     * @return whether it is its turn now
     */
    public boolean enter(BlockRequest write, Consumer<BlockRequest> inTurn) {
        int loop = write.loop().index();
        WriteRanges.Slot slot = ranges[loop].add(write);
        slot.ticket = tickets.getAndIncrement();
        long from = write.offsetBytes();
        long to = from + write.lengthBytes();
        if (ranges[loop].youngestBefore(slot.ticket, from, to) == null
                && nextToAsk(loop, 1, from, to) == ranges.length) {
            return true;
        }
        write.stages().enter(RequestStages.ORDER, write.loop().nanoTime());
        Waiter waiter = new Waiter(write, inTurn, slot.ticket);
        write.taken();
        waiter.askHere();
        return false;
    }

    /**
     * The next loop, counted from the write's own, that may have an overlapping range; the number of loops if none has.
     */
    private int nextToAsk(int ownLoop, int distance, long fromBytes, long toBytes) {
        int next = distance;
        while (next < ranges.length && !at(ownLoop, next).mayOverlap(fromBytes, toBytes)) {
            next++;
        }
        return next;
    }

    private WriteRanges at(int ownLoop, int distance) {
        return ranges[(ownLoop + distance) % ranges.length];
    }

    /** A write whose turn has not come. It belongs to the loop where it waits, and goes from one to the next. */
    final class Waiter implements Runnable, Consumer<BlockRequest> {
        private final BlockRequest write;
        private final Consumer<BlockRequest> inTurn;
        private final int ownLoop;
        final long ticket;
        final long fromBytes;
        final long toBytes;

        /** Links those who wait for one range. */
        Waiter next;

        // Loops before this one, counted from the write's own, have nothing older any more.
        private int distance;

        Waiter(BlockRequest write, Consumer<BlockRequest> inTurn, long ticket) {
            this.write = write;
            this.inTurn = inTurn;
            this.ownLoop = write.loop().index();
            this.ticket = ticket;
            this.fromBytes = write.offsetBytes();
            this.toBytes = fromBytes + write.lengthBytes();
        }

        /** Waits here, or else goes on. On the loop at {@link #distance}. Does not throw. */
        void askHere() {
            if (!at(ownLoop, distance).park(this)) {
                distance = nextToAsk(ownLoop, distance + 1, fromBytes, toBytes);
                // By message also if it stays here: a chain of waiters must not end on one stack.
                if (!Wakeup.call(at(ownLoop, distance).loop(), this)) {
                    write.complete(Errno.EIO); // the loops have ended
                }
            }
        }

        /** Its turn has come. */
        @Override
        public void accept(BlockRequest itsTurn) {
            itsTurn.stages().leave(itsTurn.loop().nanoTime());
            inTurn.accept(itsTurn);
        }

        @Override
        public void run() {
            if (distance == ranges.length) {
                write.guard(this);
            } else {
                askHere();
            }
        }
    }
}
