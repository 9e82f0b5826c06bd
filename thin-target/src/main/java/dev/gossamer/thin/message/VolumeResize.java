package dev.gossamer.thin.message;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.cell.Unmapper;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;

/**
 * Gives volumes other sizes (NBD T63). What lies behind the end of a volume is given back when the volume shrinks, and
 * reads as zeros when it grows again, whatever was there: nothing is shown that was cut off.
 *
 * <ol>
 *   <li>Shrinking: writes come to rest, the end moves, in memory; from then on no request reaches behind it. What is
 *       mapped there is unmapped, in steps with other requests in between. Then the size is committed. A crash before
 *       that leaves the old size, and zeros for what has gone already.
 *   <li>Growing: what is mapped behind the end, by other programs or from before this was so, is unmapped likewise; the
 *       rest of the last block is written with zeros; then the size is committed.
 * </ol>
 *
 * <p>Worker's thread.
 */
public final class VolumeResize {
    /** Writes zeros from a volume's end to the end of its last block, which is mapped. */
    public interface HiddenTail {
        /** Tells an errno, on the worker's thread, perhaps before this returns. If this throws, it never does. */
        void zero(ThinDevice device, IntConsumer done);
    }

    /** Counting what would be lost stops here: a few milliseconds. */
    private static final int COUNT_LIMIT = 10_000;

    /** While freed blocks take too much memory, to see whether they still do. */
    private static final long FREED_PAUSE_NANOS = 10_000_000L;

    private final IoLoop loop;
    private final MetadataChange change;
    private final PoolMetadata metadata;
    private final Committer committer;
    private final PoolFaults faults;
    private final MapPublisher maps;
    private final Unmapper unmapper;
    private final VolumeMessages messages;
    private final WriteBarrier barrier;
    private final HiddenTail tail;
    private int zeroing;
    private boolean closed;
    private Runnable whenClosed;

    public VolumeResize(
            IoLoop loop,
            MetadataChange change,
            PoolMetadata metadata,
            Committer committer,
            PoolFaults faults,
            MapPublisher maps,
            Unmapper unmapper,
            VolumeMessages messages,
            WriteBarrier barrier,
            HiddenTail tail) {
        this.loop = loop;
        this.change = change;
        this.metadata = metadata;
        this.committer = committer;
        this.faults = faults;
        this.maps = maps;
        this.unmapper = unmapper;
        this.messages = messages;
        this.barrier = barrier;
        this.tail = tail;
    }

    /** A change of size under way. */
    private record Task(ThinDevice device, long oldBytes, long newBytes, CompletableFuture<VolumeInfo> answer) {
        boolean shrinks() {
            return newBytes < oldBytes;
        }
    }

    private interface Step {
        void run() throws StorageException;
    }

    /**
     * Changes a volume's size. Only while no commit is being written.
     *
     * @param force gives up what is behind the new end although somebody is connected, whoever that is
     */
    public void resize(String name, long sizeBytes, boolean force, CompletableFuture<VolumeInfo> answer) {
        try {
            VolumeSpec.checkSize(sizeBytes);
            change.checkWritable();
            ThinDevice device = messages.find(name);
            VolumeMessages.checkNoBarrier(device);
            if (device.isDetaching()) {
                throw new StorageException(
                        Errno.EBUSY,
                        "volume " + name + " is being taken off its external origin; 'gossamer job list' shows it,"
                                + " wait or cancel it");
            }
            change.checkSound(device);
            Task task = new Task(device, device.sizeBytes(), sizeBytes, answer);
            if (task.shrinks() && !force && device.openCount() > 0) {
                throw new StorageException(Errno.EBUSY, whatIsLost(task));
            }
            messages.checkPromise(device, sizeBytes);
            if (task.shrinks()) {
                messages.checkCut(device, device.blocks() - Math.ceilDiv(sizeBytes, metadata.blockBytes()));
            }
            device.beginResize();
            if (task.shrinks()) {
                shrink(task);
            } else {
                clear(task, device.blocks());
            }
        } catch (StorageException e) {
            answer.completeExceptionally(e);
        }
    }

    /** No step follows. Calls back, perhaps at once, when no block is being zeroed. Before the pool's last commit. */
    public void close(Runnable task) {
        closed = true;
        if (zeroing == 0) {
            task.run();
        } else {
            whenClosed = task;
        }
    }

    private String whatIsLost(Task task) throws StorageException {
        long blockBytes = metadata.blockBytes();
        long first = task.newBytes / blockBytes;
        BTreeCursor cursor = metadata.cursor(task.device.id(), first);
        int mapped = 0;
        while (mapped < COUNT_LIMIT && cursor.next()) {
            mapped++;
        }
        String lost = mapped == 0
                ? "nothing is stored there"
                : (mapped == COUNT_LIMIT ? "more than " : "up to ") + mapped * blockBytes
                        + " bytes that are stored there";
        return "making volume " + task.device.name() + " smaller gives up all behind byte " + task.newBytes + ": "
                + lost
                + (mapped == 0 ? "" : " are lost for good")
                + ", and the requests of " + task.device.openCount()
                + " connection(s) beyond it fail; disconnect them first,"
                + " or use --force if that is wanted";
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What comes next reports its failures itself.
    private void shrink(Task task) {
        CompletableFuture<Boolean> atRest = new CompletableFuture<>();
        barrier.whenAtRest(List.of(task.device), () -> {}, atRest, () -> {
            moveEnd(task.device, task.newBytes);
            return true;
        });
        atRest.whenComplete((done, failure) -> {
            if (failure == null) {
                clear(task, task.device.blocks());
            } else {
                fail(task, failure);
            }
        });
    }

    private void moveEnd(ThinDevice device, long sizeBytes) {
        device.resized(sizeBytes);
        maps.forgetContents(device);
    }

    /** Unmaps the next blocks behind the end; when there is none left, goes on. */
    private void clear(Task task, long from) {
        guarded(task, () -> {
            change.checkAllowed();
            long next = unmapper.unmapNext(task.device, from);
            if (next == Unmapper.NONE_LEFT) {
                cleared(task);
            } else if (next == Unmapper.NO_METADATA) {
                committer.whenQuiet(() -> clearCommitted(task, from));
            } else if (next == Unmapper.TOO_MUCH_FREED) {
                loop.schedule(() -> clear(task, from), FREED_PAUSE_NANOS);
            } else {
                loop.execute(() -> clear(task, next));
            }
        });
    }

    /** A step needs a few blocks for copies of nodes; a commit gives back what earlier steps have freed. */
    private void clearCommitted(Task task, long from) {
        guarded(task, () -> {
            if (!metadata.isChanged()) {
                throw new StorageException(
                        Errno.ENOSPC, "there is too little metadata to unmap what is cut off; grow the metadata first");
            }
            committer.commitNow();
            loop.execute(() -> clear(task, from));
        });
    }

    private void cleared(Task task) throws StorageException {
        boolean hides = !task.shrinks()
                && task.oldBytes % metadata.blockBytes() != 0
                && unmapper.isMapped(task.device, task.oldBytes / metadata.blockBytes());
        if (!hides) {
            committer.whenQuiet(() -> finish(task));
            return;
        }
        zeroing++;
        try {
            tail.zero(task.device, errno -> zeroed(task, errno));
        } catch (RuntimeException | Error bug) {
            zeroing--;
            throw bug;
        }
    }

    private void zeroed(Task task, int errno) {
        zeroing--;
        guarded(task, () -> {
            if (errno != Errno.OK) {
                fail(
                        task,
                        new StorageException(
                                errno,
                                "the rest of the last block of volume " + task.device.name() + " cannot be zeroed: "
                                        + Errno.name(errno) + "; its size is unchanged"));
                return;
            }
            committer.whenQuiet(() -> finish(task));
        });
        if (zeroing == 0 && whenClosed != null) {
            whenClosed.run();
        }
    }

    private void finish(Task task) {
        guarded(task, () -> {
            if (task.shrinks()) {
                // What is behind the new end has gone already: now only the reserve must not be used up.
                change.checkAllowed();
            } else {
                change.checkWritable();
            }
            messages.checkPromise(task.device, task.newBytes);
            messages.store(task.device, messages.slotOf(task.device).withSize(task.newBytes));
            if (!task.shrinks()) {
                moveEnd(task.device, task.newBytes);
            }
            task.device.endResize();
            task.answer.complete(task.device.info());
        });
    }

    private void guarded(Task task, Step step) {
        try {
            if (closed) {
                throw new StorageException(Errno.ESHUTDOWN, "the pool is being closed");
            }
            step.run();
        } catch (StorageException e) {
            if (e instanceof MetadataCorrupt) {
                faults.failed(task.device, e);
            } else if (e.errno() == Errno.EIO) {
                faults.abort(e);
            }
            fail(task, e);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            fail(task, bug);
        }
    }

    /** The catalog has the old size. */
    private void fail(Task task, Throwable failure) {
        if (task.device.sizeBytes() != task.oldBytes) {
            moveEnd(task.device, task.oldBytes);
        }
        task.device.endResize();
        task.answer.completeExceptionally(failure);
    }
}
