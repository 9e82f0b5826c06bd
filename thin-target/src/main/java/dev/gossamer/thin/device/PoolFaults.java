package dev.gossamer.thin.device;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Where the parts of a pool report what they cannot go on after, and how they learn that their work is void. Worker's
 * thread.
 *
 * <p>An abort begins a new incarnation of the metadata: what was allocated in an earlier one is free again. Whoever
 * works over several tasks remembers the incarnation in which it began, and looks whether it still is that one (E-2).
 */
public final class PoolFaults {
    /** What is done about them; one for a pool. Nothing here throws, not even without memory. */
    public interface Handler {
        /** Throws the open transaction away, and the one being written. */
        void abort(Exception cause);

        /** Damage was met in what belongs to one device, before anything was changed. */
        void damaged(ThinDevice device, String what);

        /** Ends the pool: nothing in memory can be trusted any more. */
        void failed(Throwable bug);

        /** Ends the pool: it belongs to somebody else. */
        void disowned(String why);
    }

    private final PoolMetadata metadata;
    private Handler handler;
    private Runnable afterBug = () -> {};
    private long incarnation;

    public PoolFaults(PoolMetadata metadata) {
        this.metadata = metadata;
    }

    /** Set once, while the pool is put together. */
    public void handledBy(Handler itsHandler) {
        handler = itsHandler;
    }

    /** A metadata operation failed. */
    public void abort(Exception cause) {
        handler.abort(cause);
    }

    /**
     * An operation for a device failed. Damage that was met before anything was changed is the matter of that device
     * alone: it is read as far as that goes and changed no more, and others are served (D-8). Anything else aborts.
     */
    public void failed(ThinDevice device, StorageException e) {
        if (e instanceof MetadataCorrupt && !metadata.isHalfChanged()) {
            handler.damaged(device, e.getMessage());
        } else {
            handler.abort(e);
        }
    }

    /** A bug: nothing of the pool can be trusted any more. */
    public void failed(Throwable bug) {
        handler.failed(bug);
        afterBug.run();
    }

    /**
     * Run after each bug, in the middle of whatever met it: for who waits for work that may never end now. It must not
     * throw, not even without memory.
     */
    public void afterBug(Runnable task) {
        afterBug = task;
    }

    /** Runs work of the pool's; what it throws is a bug, and ends here. */
    public void run(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
    }

    /** The pool has another owner. */
    public void disowned(String why) {
        handler.disowned(why);
    }

    /** What is under way belongs to metadata that is gone. For the handler. */
    public void beginIncarnation() {
        incarnation++;
    }

    /** Grows with every abort: what was allocated in an earlier incarnation is free again. */
    public long incarnation() {
        return incarnation;
    }
}
