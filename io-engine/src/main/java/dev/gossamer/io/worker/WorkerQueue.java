package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.RequestStages;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.Wakeup;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * How requests get from I/O loops to a worker and back.
 *
 * <pre>
 *   loop     ServedDevice.serve   cannot go on alone            defer
 *   worker   ServedDevice.admit   a turn for all that came      handBack, with a verdict
 *   loop     complete, or ServedDevice.serve once more
 * </pre>
 *
 * <p>Both ways are stacks linked through the requests: no lock, no allocation, and one wake-up for all that come while
 * the other side is busy. They hold no more than the requests that connections may have under way.
 *
 * <p>A bug in an admission, or in what goes on after a transfer, stops the worker for good: nothing is admitted any
 * more, every request that comes gets EIO. So does the one that met it, unless somebody has taken it by then, who will
 * answer it.
 */
public final class WorkerQueue {
    private final IoLoop worker;
    private final List<LoopInbox> inboxes;
    private final RequestStack deferred = new RequestStack();
    private final Wakeup turn;
    private final Consumer<BlockRequest> refuse = this::refuse;

    // The worker's alone.
    private final RequestQueue arrived = new RequestQueue();
    private TurnListener listener;
    private boolean broken;
    // No more than the requests that connections may have under way, and management's.
    private final Set<Kept> kept = ConcurrentHashMap.newKeySet();

    /**
     * A queue without requests; {@link #begin} comes before the first.
     *
     * @param worker where turns take place; may be one of {@code loops}
     * @param loops those that requests come from, each at its own index
     */
    public WorkerQueue(IoLoop worker, List<? extends IoLoop> loops) {
        this.worker = worker;
        this.turn = new Wakeup(worker, this::turn);
        this.inboxes = LoopList.byIndex(loops).stream().map(LoopInbox::new).toList();
    }

    /** Names who hears of the turns. Once, before any loop has the device. */
    public void begin(TurnListener newListener) {
        listener = newListener;
    }

    /**
     * Parks a request with the worker until that hands it back. On the request's loop, or the worker's for one that is
     * there.
     */
    public void defer(ServedDevice device, BlockRequest request) {
        assert request.loop().inLoop() || worker.inLoop() : "a request parked by another than its owner";
        request.park(device);
        request.stages().enter(RequestStages.WORKER, request.loop().nanoTime());
        hand(request, deferred, turn);
    }

    /**
     * Adds a request to a stack that the worker takes when it is woken. If it cannot be, because it has ended or for
     * want of memory, everything in the stack goes back to its loop with EIO. Any thread that has the request.
     */
    public void hand(BlockRequest request, RequestStack stack, Wakeup taking) {
        if (stack.push(request) && !taking.tryCall()) {
            stack.takeEach(refuse);
        }
    }

    private void refuse(BlockRequest request) {
        request.decide(Errno.EIO);
        inboxes.get(request.loop().index()).add(request);
    }

    /**
     * Returns a request to its loop. Worker's thread.
     *
     * @param verdict an errno to complete it with, or {@link ServedDevice#SERVE_AGAIN}
     */
    public void handBack(BlockRequest request, int verdict) {
        checkThread();
        request.decide(verdict);
        inboxes.get(request.loop().index()).add(request);
    }

    /** Returns all of them. Worker's thread. */
    public void handBackAll(RequestQueue requests, int verdict) {
        for (BlockRequest r = requests.poll(); r != null; r = requests.poll()) {
            handBack(r, verdict);
        }
    }

    /** For every entry of the worker that changes something: the caller is on its loop. */
    public void checkThread() {
        Invariant.check(worker.inLoop(), "a worker's state used outside its loop");
    }

    private void turn() {
        deferred.takeInto(arrived);
        for (BlockRequest r = arrived.poll(); r != null; r = arrived.poll()) {
            admit(r);
        }
        try {
            listener.turnEnded();
        } catch (Throwable bug) {
            stop(bug);
        }
    }

    /** Decides a request, again if it has waited. What that throws is told, and its answer is EIO. Worker's thread. */
    public void admit(BlockRequest request) {
        if (broken) {
            handBack(request, Errno.EIO);
            return;
        }
        int seen = request.takings();
        try {
            request.parkedBy().admit(request);
        } catch (Throwable bug) {
            stop(bug);
            if (request.takings() == seen) {
                handBack(request, Errno.EIO); // nobody else will answer it
            }
        }
    }

    /** Notes what is answered later, until it is {@link #forget forgotten}: a bug must not leave it waiting. */
    public void keep(Kept its) {
        kept.add(its);
    }

    /** It has been answered. */
    public void forget(Kept its) {
        kept.remove(its);
    }

    /**
     * Something that the worker did has shown a bug, and who knows what its state is now: nothing is admitted any more,
     * those behind and all that come are answered EIO, and all that is kept ends. Worker's thread. Does not throw.
     */
    public void stop(Throwable bug) {
        broken = true;
        listener.failed(bug);
        endKept();
    }

    /** Ends all that is kept: who would answer it does not do so any more. Worker's thread. */
    public void endKept() {
        for (Kept each : kept) {
            try {
                each.end();
            } catch (Throwable worse) {
                worker.faults().caught(worse);
            }
        }
    }

    /** Whether a bug has stopped the worker. Worker's thread. */
    public boolean isStopped() {
        return broken;
    }
}
