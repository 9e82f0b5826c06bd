package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolOwner;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * That a pool is this process's and nobody else's, and the doubt about it, for pools on devices that others reach too
 * (OP-10 to OP-12). Where it is made, claimed and asked:
 *
 * <ol>
 *   <li>Made before the devices are opened; those that can lose their connection get its {@linkplain #gate gate}.
 *   <li>{@link #claim} writes the owner slot, or fails. From then on it is written every {@link #INTERVAL_NANOS}, and
 *       read before each writing.
 *   <li>The pool uses the devices through {@link #guarded}. Once loaded, it {@linkplain #confirm confirms} that nothing
 *       has changed since the claim, before its first commit.
 *   <li>{@link #release} after its last one.
 * </ol>
 *
 * <p>Changes may be sent for {@link #VALID_NANOS} after the slot was last written; others wait longer than that before
 * they take a slot for abandoned. So a write of the slot that is sent in that time, and done soon after it, keeps it
 * this process's, however long ago the slot was looked at. Who could not write it for so long, because he was stopped
 * or cut off, sends nothing more before he has written it again, waited {@link #SETTLE_NANOS} and found slot and
 * superblock as they were: a taker who had looked before has written by then.
 *
 * <p>A foreign epoch, or a superblock that this process has not written, is the end: everything later fails, and the
 * listener is told, once.
 *
 * <p>State is confined to the loop, but for what says volatile.
 */
public final class PoolOwnership implements PoolOwner {
    /** Between two writes of the slot (OP-11). */
    public static final long INTERVAL_NANOS = 2_000_000_000L;

    /** Changes may be sent so long after a write of the slot began: less than {@link OwnerClaim#QUIET_NANOS}. */
    static final long VALID_NANOS = 8_000_000_000L;

    /**
     * A write of the slot that is done so long after the one before it began has come before the second look of whoever
     * takes the slot for abandoned: less than {@link OwnerClaim#QUIET_NANOS}, as no two clocks run alike.
     */
    static final long RENEWED_NANOS = 9_500_000_000L;

    /** What a taker needs from his last look to his write, at most, with the time that it takes on the way. */
    static final long SETTLE_NANOS = 2 * INTERVAL_NANOS;

    /** Of a pool's two devices. */
    public enum Role {
        METADATA,
        DATA
    }

    enum Stage {
        /** Devices are being opened and looked at; nothing of the pool has been changed. */
        OPENING,
        /** Only the owner block is written. */
        CLAIMING,
        HELD,
        /** The slot says closed. */
        RELEASED,
        LOST
    }

    private final IoLoop loop;
    private final OwnerHost host;
    private final RandomGenerator random;
    private final SuperblockImages images = new SuperblockImages();
    private final LoopIo io;

    // Written on the loop, read by all who send changes.
    private volatile Stage stage = Stage.OPENING;
    private volatile long blockOffsetBytes = OwnerPlace.NONE;
    private volatile Moment validUntil = Moment.NEVER;
    private volatile Moment slotWritableUntil = Moment.NEVER;
    private volatile Consumer<String> whenLost = why -> {};

    private Moment writtenAt = Moment.NEVER;
    private OwnerPlace place;
    private OwnerHeartbeat heartbeat;

    /**
     * Waits for nothing, writes nothing.
     *
     * @param loop an I/O loop with timers, on which devices that reconnect ask
     * @param random for what must not be the same in two processes
     */
    public PoolOwnership(IoLoop loop, OwnerHost host, RandomGenerator random) {
        this.loop = loop;
        this.host = host;
        this.random = random;
        this.io = new LoopIo(loop);
    }

    /** Who is told, on the loop and once, that another has used the pool: why, in one line. Set before the claim. */
    public void onLoss(Consumer<String> listener) {
        whenLost = listener;
    }

    /** What a device that can lose its connection asks. Its loop must be this ownership's. */
    public ChangeGate gate(Role role) {
        return new ChangeGate() {
            @Override
            public boolean mayChange(long offsetBytes) {
                return PoolOwnership.this.mayChange(role, offsetBytes);
            }

            @Override
            public void check(BlockDevice through, Verdict verdict) {
                PoolOwnership.this.check(role, through, verdict);
            }
        };
    }

    /** A device of the pool as the pool shall use it: changes wait while it is in doubt whose the pool is. */
    public BlockDevice guarded(Role role, BlockDevice device) {
        return new OwnedDevice(this, role, device);
    }

    /**
     * Becomes the owner, and stays it until {@link #release}. Any thread.
     *
     * @param metadata not guarded, as {@code data}; both stay open longer than this
     * @param force takes the pool from an owner that seems to be alive, without the wait that finds this out
     * @return fails with {@link ForeignOwner} if somebody else has the pool: nothing has been changed then
     */
    @SuppressWarnings("FutureReturnValueIgnored") // The answer says what came of it.
    public CompletableFuture<Void> claim(OwnerPlace where, BlockDevice metadata, BlockDevice data, boolean force) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        loop.execute(() -> answering(answer, () -> {
            place = where;
            blockOffsetBytes = where.offsetBytes();
            stage = Stage.CLAIMING;
            images.found(where.superblock());
            OwnerSources sources = new OwnerSources(metadata, data);
            if (where.offsetBytes() == OwnerPlace.NONE) {
                heartbeat = new OwnerHeartbeat(this, io, sources, null);
                stage = Stage.HELD;
                answer.complete(null);
                return;
            }
            OwnerBlock block = new OwnerBlock(io, data, where.offsetBytes(), null);
            new OwnerClaim(io, loop, host, where, metadata, data, force, random)
                    .start()
                    .whenComplete((claimed, failure) -> answering(answer, () -> {
                        if (failure != null) {
                            stage = Stage.LOST;
                            answer.completeExceptionally(Failures.cause(failure));
                            return;
                        }
                        heartbeat = new OwnerHeartbeat(this, io, sources, block);
                        images.found(claimed.superblock());
                        slotWritten(claimed.writtenAt());
                        stage = Stage.HELD;
                        heartbeat.start(claimed);
                        answer.complete(null);
                    }));
        }));
        return answer;
    }

    /** Whoever waits for the answer gets one, also if what makes it throws: the pool is nobody's of ours then. */
    private void answering(CompletableFuture<Void> answer, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error bug) {
            loop.faults().caught(bug);
            stage = Stage.LOST;
            answer.completeExceptionally(new StorageException(Errno.EIO, Reason.of(bug), bug));
        }
    }

    @Override
    public boolean isUnmapped() {
        return place.offsetBytes() != OwnerPlace.NONE && !place.mapped();
    }

    @Override
    public long slotOffsetBytes() {
        return blockOffsetBytes;
    }

    @Override
    public void confirm(BlockingIo metadata, BlockingIo data) throws StorageException {
        byte[] superblock = OwnerPlace.superblock(metadata);
        if (!SuperblockImages.isAmong(images.possible(), superblock)) {
            throw new ForeignOwner(
                    metadata.device() + ": somebody else has changed the pool while it was being opened");
        }
        if (blockOffsetBytes != OwnerPlace.NONE) {
            int bytes = OwnerBlock.readBytes(data.device().geometry().alignmentBytes());
            Registers found = Registers.decode(OwnerPlace.read(data, blockOffsetBytes, bytes));
            if (!heartbeat.isMine(found.slot())) {
                throw foreign(data.device(), found.slot());
            }
        }
    }

    /** Says in the slot that the pool is closed. */
    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // The answer comes in any case.
    public CompletableFuture<Void> release() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.execute(() -> answering(done, () -> {
            if (stage != Stage.HELD) {
                done.complete(null);
                io.close();
                return;
            }
            heartbeat.release().whenComplete((written, failure) -> {
                stage = stage == Stage.HELD ? Stage.RELEASED : stage;
                done.complete(null);
                io.close();
            });
        }));
        return done;
    }

    // ---- any thread ----

    /** Whether the pool is this process's beyond doubt at this moment. */
    public boolean isCertain() {
        return stage == Stage.HELD && !isLate();
    }

    boolean mayChange(Role role, long offsetBytes) {
        boolean ofSlot = role == Role.DATA
                && blockOffsetBytes != OwnerPlace.NONE
                && OwnerBlock.contains(blockOffsetBytes, offsetBytes);
        return switch (stage) {
            case OPENING, CLAIMING -> ofSlot;
            case HELD -> !isLate() || (ofSlot && !isOver(slotWritableUntil));
            case RELEASED, LOST -> false;
        };
    }

    /** Whether waiting for {@link #mayChange} is in vain. */
    boolean isOver() {
        return stage == Stage.LOST || stage == Stage.RELEASED;
    }

    /** Whether the slot was last written too long ago for any change. */
    boolean isLate() {
        return blockOffsetBytes != OwnerPlace.NONE && isOver(validUntil);
    }

    boolean isOver(Moment moment) {
        return moment.isOver(loop.nanoTime(), host.currentTimeMillis());
    }

    Moment now() {
        return new Moment(loop.nanoTime(), host.currentTimeMillis());
    }

    SuperblockImages images() {
        return images;
    }

    // ---- the loop ----

    IoLoop loop() {
        return loop;
    }

    OwnerHost host() {
        return host;
    }

    boolean isHeld() {
        return stage == Stage.HELD;
    }

    /** The slot is this process's beyond doubt, and its last write began then. */
    void slotWritten(Moment began) {
        writtenAt = began;
        validUntil = began.plus(VALID_NANOS);
    }

    /** When the last write that counts began. */
    Moment writtenAt() {
        return writtenAt;
    }

    /** The slot has just been seen to be this process's: it may be written for a moment, though nothing else may. */
    void slotWritableUntil(Moment moment) {
        slotWritableUntil = moment;
    }

    boolean isSlotWritable() {
        return !isLate() || !isOver(slotWritableUntil);
    }

    ForeignOwner foreign(BlockDevice data, OwnerSlot slot) {
        return new ForeignOwner(data + ": another daemon has used this pool: "
                + (slot == null ? "the owner slot is gone" : slot.describe(host.currentTimeMillis())));
    }

    /** Another has used the pool. */
    void lost(ForeignOwner why) {
        if (stage == Stage.HELD) {
            stage = Stage.LOST;
            whenLost.accept(why.getMessage());
        }
    }

    private void check(Role role, BlockDevice through, ChangeGate.Verdict verdict) {
        switch (stage) {
            case OPENING -> verdict.pass();
            case CLAIMING -> verdict.refuse("connection lost while the pool was being claimed; start again");
            case HELD -> heartbeat.check(role, through, verdict);
            case RELEASED -> verdict.refuse("the pool is closed");
            case LOST -> verdict.refuse("another daemon has used this pool");
        }
    }
}
