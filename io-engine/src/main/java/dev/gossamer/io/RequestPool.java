package dev.gossamer.io;

/**
 * The requests of one {@link IoLoop}, used on its thread only.
 *
 * <p>The pool itself has no limit, because what may be under way is limited where it comes in: a connection admits so
 * many commands, and data needs a buffer from the loop's {@link dev.gossamer.io.buffer.IoBufferPool}. A request is
 * split into at most one child per data block, so the pool's size follows those two. It never shrinks.
 */
public final class RequestPool {
    private final IoLoop loop;
    private BlockRequest free;
    private int created;
    private int available;

    public RequestPool(IoLoop loop) {
        this.loop = loop;
    }

    /** A request for the loop's thread to fill in; end its life with {@link BlockRequest#recycle}. */
    public BlockRequest acquire() {
        BlockRequest request = free;
        if (request == null) {
            request = new BlockRequest(loop);
            created++; // not if there is no memory for it
            return request;
        }
        free = request.next;
        request.next = null;
        available--;
        return request;
    }

    void release(BlockRequest request) {
        request.next = free;
        free = request;
        available++;
    }

    /** Requests taken and not given back; 0 when the loop is idle. */
    public int inUse() {
        return created - available;
    }
}
