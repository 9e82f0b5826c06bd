package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceQuotas;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Gives a volume blocks of its own while it is used: for what shows through from an external origin, and, if that is
 * wanted, for what it shares with others (CL-8).
 *
 * <p>Counts first, in steps that change nothing, so that a lack of space or a limit refuses the whole. Then goes
 * through the volume window by window: holds it, so that writes there wait and reads go on, copies what is not its own,
 * and maps the copies in one transaction. Again from the start, until a pass has found nothing to copy: then, over an
 * origin, the volume is taken off it. What is shared anew meanwhile, by a snapshot of the volume, is not gone after.
 *
 * <p>A metadata snapshot is one more owner of all that it has of the volume: that is copied, whoever else has it or
 * not, and its old blocks are free when the snapshot goes. What that takes is counted before anything is copied.
 */
final class IndependentJob extends Job {
    /** Blocks looked at in one step: a millisecond or two. */
    private static final int LOOK_BLOCKS = 1024;

    /** Bytes that are copied under one hold, but for one block that is larger (RL-7). */
    private static final long WINDOW_BYTES = 4L << 20;

    /** Blocks of a window, at most. */
    private static final int MAX_WINDOW_BLOCKS = 64;

    private final MoveParts parts;
    private final SpaceQuotas quotas;
    private final PoolMetadata metadata;
    private final ThinDevice device;
    private final boolean sharedToo;
    private final CopyStart.Detaching detaching;
    private final int blockBytes;
    private final int windowBlocks;
    private long next;
    private boolean counting = true;
    private long toCopy;
    private long toProvision;
    private long copied;
    private boolean copiedInPass;
    private boolean firstPass = true;
    private boolean besideSnapshot;

    /**
     * @param device opened for the job, which closes it
     * @param sharedToo copies what is shared, too, in the first pass
     */
    IndependentJob(MoveParts parts, ThinDevice device, boolean sharedToo, CopyStart.Detaching detaching) {
        super(sharedToo ? "independent" : "detach", device.name());
        this.parts = parts;
        this.quotas = parts.quotas();
        this.metadata = parts.metadata();
        this.device = device;
        this.sharedToo = sharedToo;
        this.detaching = detaching;
        this.blockBytes = metadata.blockBytes();
        this.windowBlocks = Math.clamp(WINDOW_BYTES / blockBytes, 1, MAX_WINDOW_BLOCKS);
        if (device.externalOrigin() != null) {
            device.beginDetaching();
        }
    }

    @Override
    protected long doneBytes() {
        return Math.min(copied, toCopy) * blockBytes;
    }

    @Override
    protected long totalBytes() {
        return toCopy * blockBytes;
    }

    @Override
    protected String message() {
        return counting ? "counting" : "";
    }

    @Override
    protected JobRequest request() {
        return sharedToo ? new JobRequest.Independent(device.id()) : new JobRequest.Detach(device.id());
    }

    @Override
    protected void ended() {
        device.endDetaching();
        device.closeForJob();
    }

    @Override
    protected void step(StepEnd end) throws StorageException {
        if (device.damage() != null) {
            throw new StorageException(Errno.EIO, "volume " + device.name() + " is damaged: " + device.damage());
        }
        if (counting) {
            count();
            end.next();
        } else if (next < device.blocks()) {
            copyNext(end);
        } else if (copiedInPass && device.externalOrigin() != null) {
            next = 0;
            copiedInPass = false;
            firstPass = false;
            end.next();
        } else if (device.externalOrigin() != null) {
            parts.committer().whenQuiet(() -> detach(end));
        } else {
            end.done(result());
        }
    }

    private String result() {
        return "copied " + copied * blockBytes + " bytes; " + device.name() + " has blocks of its own"
                + (besideSnapshot
                        ? "; what a metadata snapshot has of it was copied too, and stays until that goes"
                        : "");
    }

    private void detach(StepEnd end) {
        try {
            detaching.run(device, () -> end.done(result() + ", and needs no external origin"));
        } catch (StorageException e) {
            end.failed(e);
        }
    }

    // ---- counting --------------------------------------------------------------------------------------------------

    private void count() throws StorageException {
        long to = Math.min(device.blocks(), next + LOOK_BLOCKS);
        for (BlockCopies.Order order : wanted(next, to)) {
            toCopy++;
            toProvision += order.origin() == null ? 0 : 1;
        }
        next = to;
        if (next == device.blocks()) {
            checkLimit(toProvision);
            parts.change().checkMetadata(toCopy);
            long free = quotas.spareFor(device);
            if (toCopy > free) {
                throw new StorageException(
                        Errno.ENOSPC,
                        "this takes " + toCopy * blockBytes + " bytes, and " + Math.max(0, free) * blockBytes
                                + " are free and not reserved; grow the pool, trim or delete volumes");
            }
            counting = false;
            next = 0;
        }
    }

    private void checkLimit(long growth) throws StorageException {
        long limit = device.limits().limitBytes();
        long mapped = (device.takenBlocks() + growth) * blockBytes;
        if (limit > 0 && growth > 0 && mapped > limit) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "volume " + device.name() + " would have " + mapped + " bytes mapped, its limit is " + limit
                            + "; 'gossamer volume set --limit' changes it");
        }
    }

    /** What is not the volume's own of blocks {@code [from, to)}, its targets still to be chosen. */
    private List<BlockCopies.Order> wanted(long from, long to) throws StorageException {
        List<BlockCopies.Order> orders = new ArrayList<>();
        OriginImage origin = device.externalOrigin();
        BTreeCursor cursor = metadata.cursor(device.id(), from).upTo(to);
        boolean more = cursor.next();
        for (long block = from; block < to; block++) {
            if (more && cursor.key() == block) {
                if (sharedToo && firstPass && !metadata.isExclusive(device.id(), block)) {
                    orders.add(new BlockCopies.Order(block, null, Mapping.dataBlock(cursor.value(0)), 0));
                }
                more = cursor.next();
            } else if (device.isOverExternalOrigin(block * blockBytes)) {
                orders.add(new BlockCopies.Order(block, origin, block, 0));
            }
        }
        return orders;
    }

    // ---- copying ---------------------------------------------------------------------------------------------------

    private void copyNext(StepEnd end) throws StorageException {
        long to = Math.min(device.blocks(), next + LOOK_BLOCKS);
        List<BlockCopies.Order> orders = wanted(next, to);
        if (orders.isEmpty()) {
            next = to;
            end.next();
            return;
        }
        long first = orders.getFirst().key();
        HeldRange range = new HeldRange(device, first, Math.min(device.blocks(), first + atATime(windowBlocks)));
        List<HeldRange> held = List.of(range);
        parts.locks().acquire(held, () -> new Window(range, held, end).start());
    }

    /** Blocks that are held, their copies, and their way into the metadata. */
    private final class Window extends HeldWork {
        private final HeldRange range;
        private final List<HeldRange> held;
        private final StepEnd end;
        private final TreeMap<Long, Long> targets = new TreeMap<>();

        Window(HeldRange range, List<HeldRange> held, StepEnd end) {
            super(parts.faults());
            this.range = range;
            this.held = held;
            this.end = end;
        }

        void start() {
            guarded(() -> {
                List<BlockCopies.Order> orders = new ArrayList<>();
                List<BlockCopies.Order> wanted = wanted(range.from, Math.min(range.to, device.blocks()));
                checkLimit(
                        wanted.stream().filter(order -> order.origin() != null).count());
                for (BlockCopies.Order order : wanted) {
                    if (!quotas.hasRoom(device)) {
                        throw new StorageException(
                                Errno.ENOSPC,
                                "there are no free data blocks any more that are not reserved; "
                                        + "what was copied stays, grow the pool and start again");
                    }
                    long target = metadata.reserveDataBlock();
                    device.account().beginPreparation();
                    targets.put(order.key(), target);
                    orders.add(new BlockCopies.Order(order.key(), order.origin(), order.from(), target));
                }
                parts.copies().copy(orders, afterCopies(this::copied));
            });
        }

        private void copied(BlockCopies.Result result) throws StorageException {
            if (result.writeErrno() != Errno.OK) {
                throw BlockCopies.unwritable(result.writeErrno());
            }
            if (!result.unreadable().isEmpty()) {
                Map.Entry<Long, Integer> first = new TreeMap<>(result.unreadable()).firstEntry();
                throw new StorageException(
                        first.getValue(),
                        "what volume " + device.name() + " has at byte " + first.getKey() * blockBytes
                                + " cannot be copied: " + Errno.name(first.getValue()));
            }
            int width = (int) (range.to - range.from);
            parts.change()
                    .whenRoom(
                            fewer -> metadata.room().hasForSharing(device.id(), range.from, width) ? width : 0,
                            blocks -> map(),
                            this::fail);
        }

        private void map() throws StorageException {
            int mapped = targets.size();
            besideSnapshot |= sharedToo && metadata.references().moves().isPinned();
            // A copy holds what the block before it did: what TRIMs have covered of that they have covered of it.
            parts.change().apply(List.of(device), () -> {
                while (!targets.isEmpty()) {
                    Map.Entry<Long, Long> target = targets.firstEntry();
                    metadata.insert(device.id(), target.getKey(), target.getValue());
                    targets.pollFirstEntry();
                    device.account().endPreparation();
                }
            });
            copied += mapped;
            copiedInPass |= mapped > 0;
            next = range.to;
            giveBack();
            end.next();
        }

        private void giveBack() {
            boolean released = !targets.isEmpty() && isValid();
            for (long unused : targets.values()) {
                device.account().endPreparation();
                if (released) {
                    metadata.unreserveDataBlock(unused);
                }
            }
            targets.clear();
            parts.locks().release(held);
            if (released) {
                parts.waiters().spaceReleased();
            }
        }

        @Override
        void fail(Throwable cause) {
            try {
                giveBack();
            } finally {
                end.failed(cause);
            }
        }
    }
}
