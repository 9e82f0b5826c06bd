package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.Wakeup;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the owner slot again and again, and looks before each time whether it is still this process's (OP-11); answers
 * devices that have reconnected (OP-10). On the ownership's loop.
 */
final class OwnerHeartbeat {
    private static final Logger LOG = LoggerFactory.getLogger(OwnerHeartbeat.class);

    /**
     * From a look to the write that follows, once the slot has not been written in time. With what the write takes on
     * its way, less than {@link PoolOwnership#SETTLE_NANOS}: a taker whose slot it overwrites sees that.
     */
    static final long FRESH_NANOS = 2_000_000_000L;

    /**
     * Who has gone through the door and not written the slot yet may be about to; within so many times {@link
     * PoolOwnership#SETTLE_NANOS} he has, or may not any more.
     */
    private static final int ROUNDS_BEHIND_A_CLAIM = 3;

    private final PoolOwnership ownership;
    private final LoopIo io;
    private final OwnerSources sources;
    // Null in a pool without room for a slot: then only the superblock tells.
    private final OwnerBlock block;

    // Read by the pool's worker when it confirms its claim.
    private volatile OwnerSlot mine;
    private Registers registers;
    private CompletableFuture<Void> beat = CompletableFuture.completedFuture(null);
    private boolean due;
    private boolean failing;
    // By device or connection; those that have been answered go with the next question.
    private final IdentityHashMap<BlockDevice, CompletableFuture<Void>> slotsAsked = new IdentityHashMap<>();
    private final IdentityHashMap<BlockDevice, CompletableFuture<Void>> superblocksAsked = new IdentityHashMap<>();

    OwnerHeartbeat(PoolOwnership ownership, LoopIo io, OwnerSources sources, OwnerBlock block) {
        this.ownership = ownership;
        this.io = io;
        this.sources = sources;
        this.block = block;
    }

    void start(OwnerClaim.Claimed claimed) {
        mine = claimed.slot();
        registers = claimed.registers();
        beat();
    }

    boolean isMine(OwnerSlot found) {
        return mine.isSameClaim(found);
    }

    private void beat() {
        if (!ownership.isHeld()) {
            return;
        }
        try {
            ownership.loop().schedule(this::beat, PoolOwnership.INTERVAL_NANOS);
        } catch (RuntimeException | Error noMemory) {
            ownership.loop().faults().caught(noMemory);
            Wakeup.call(ownership.loop(), this::beat); // it must not be the last one
            return;
        }
        if (beat.isDone()) {
            refreshNow();
        } else {
            due = true;
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It follows itself: on a slow way there is no time to lose.
    private void refreshNow() {
        due = false;
        beat = refresh().handle((written, failure) -> {
            note(failure);
            return null;
        });
        beat.thenRun(() -> {
            if (due && ownership.isHeld()) {
                refreshNow();
            }
        });
    }

    private void note(Throwable failure) {
        if (failure == null && failing) {
            LOG.info("the owner slot is written again");
        } else if (failure != null && !failing && ownership.isHeld()) {
            LOG.warn("the owner slot cannot be written now; changes wait if that lasts: {}", Reason.of(failure));
        }
        failing = failure != null;
    }

    private CompletableFuture<Void> refresh() {
        return ownership.isLate()
                ? resume()
                : look(false).thenCompose(mineStill -> write(OwnerSlot.State.RUNNING, ownership.writtenAt()));
    }

    /** The slot was not written for so long that others may have taken it for abandoned: as careful as a claim. */
    private CompletableFuture<Void> resume() {
        if (block == null) {
            return look(true);
        }
        return look(true).thenCompose(mineStill -> settle(registers.isBeingClaimed() ? ROUNDS_BEHIND_A_CLAIM : 1));
    }

    private CompletableFuture<Void> settle(int rounds) {
        Moment began = ownership.now();
        return write(OwnerSlot.State.RUNNING, null)
                .thenCompose(written -> io.pause(PoolOwnership.SETTLE_NANOS))
                .thenCompose(over -> look(true))
                .thenCompose(mineStill -> rounds > 1 ? settle(rounds - 1) : write(OwnerSlot.State.RUNNING, began));
    }

    /** Fails with {@link ForeignOwner}, and ends the ownership, if the pool is another's. */
    private CompletableFuture<Void> look(boolean superblockToo) {
        Moment began = ownership.now();
        CompletableFuture<Void> slot = block == null
                ? CompletableFuture.completedFuture(null)
                : once(sources.data(), slotsAsked, from -> block.read(from)
                        .thenAccept(found -> slotSeen(found, began)));
        return superblockToo ? CompletableFuture.allOf(slot, superblock()) : slot;
    }

    private void slotSeen(Registers found, Moment began) {
        if (!isMine(found.slot())) {
            throw Loss.of(ownership, ownership.foreign(sources.data(), found.slot()));
        }
        registers = found;
        ownership.slotWritableUntil(began.plus(FRESH_NANOS));
    }

    private CompletableFuture<Void> superblock() {
        List<byte[]> before = ownership.images().possible();
        return once(sources.metadata(), superblocksAsked, from -> io.read(from, 0, SuperblockImages.BYTES)
                .thenAccept(found -> superblockSeen(before, found)));
    }

    private void superblockSeen(List<byte[]> before, byte[] found) {
        // A write of our own may have ended since the look began.
        if (!SuperblockImages.isAmong(before, found)
                && !SuperblockImages.isAmong(ownership.images().possible(), found)) {
            throw Loss.of(
                    ownership,
                    new ForeignOwner(
                            sources.metadata() + ": another daemon has used this pool: its superblock is not ours"));
        }
    }

    /** A server that is away may be waited for without end: one question to it waits, however often somebody asks. */
    private static CompletableFuture<Void> once(
            BlockDevice from,
            IdentityHashMap<BlockDevice, CompletableFuture<Void>> asked,
            Function<BlockDevice, CompletableFuture<Void>> question) {
        CompletableFuture<Void> earlier = asked.get(from);
        if (earlier != null && !earlier.isDone()) {
            return earlier;
        }
        CompletableFuture<Void> answer = question.apply(from);
        asked.values().removeIf(CompletableFuture::isDone);
        asked.put(from, answer);
        return answer;
    }

    /**
     * While changes may be sent, the slot may be written too: nobody can have taken it. Later only right after a look.
     *
     * @param before when the write before it began: if this one is done {@link PoolOwnership#RENEWED_NANOS} after that,
     *     nobody can have taken the slot for abandoned, and changes may be sent for a while; null: it does not count
     */
    private CompletableFuture<Void> write(OwnerSlot.State state, Moment before) {
        Moment began = ownership.now();
        if (!ownership.isSlotWritable()) {
            return CompletableFuture.failedFuture(
                    new StorageException(Errno.EAGAIN, sources.data() + ": it answers too slowly"));
        }
        OwnerSlot next = mine.next(state, ownership.host().currentTimeMillis());
        mine = next;
        return block.writeSlot(sources.data(), registers, next).thenAccept(written -> {
            if (before != null && !ownership.isOver(before.plus(PoolOwnership.RENEWED_NANOS))) {
                ownership.slotWritten(began);
            }
        });
    }

    /** Says closed, after what is under way. */
    CompletableFuture<Void> release() {
        if (block == null) {
            return CompletableFuture.completedFuture(null);
        }
        return beat.thenCompose(done -> look(false))
                .thenCompose(mineStill -> write(OwnerSlot.State.CLOSED, null))
                .whenComplete((written, failure) -> {
                    if (failure != null) {
                        LOG.warn(
                                "the owner slot still says that the pool is in use; the next start may wait: {}",
                                Reason.of(failure));
                    }
                });
    }

    /**
     * A device has a new connection: nothing is repeated on it before both, superblock and slot, are seen to be ours.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // The verdict says what came of it.
    void check(PoolOwnership.Role role, BlockDevice through, ChangeGate.Verdict verdict) {
        sources.enter(role, through);
        try {
            CompletableFuture<Void> seen = ownership.isLate() ? resume() : look(true);
            seen.whenComplete((ours, failure) -> checked(role, through, verdict, failure));
        } catch (RuntimeException | Error fault) {
            ownership.loop().faults().caught(fault);
            checked(role, through, verdict, fault);
        }
    }

    private void checked(PoolOwnership.Role role, BlockDevice through, ChangeGate.Verdict verdict, Throwable failure) {
        sources.leave(role, through);
        if (!ownership.isHeld()) {
            verdict.refuse("another daemon has used this pool");
        } else if (failure != null) {
            verdict.later(why(failure));
        } else if (ownership.isLate()) {
            verdict.later("it took too long to find out whose the pool is");
        } else {
            verdict.pass();
        }
    }

    private static String why(Throwable failure) {
        try {
            return Reason.of(failure);
        } catch (RuntimeException | Error noMemory) {
            return "it cannot be found out now whose the pool is";
        }
    }

    /** Carries a {@link ForeignOwner} through a future's steps, which throw nothing checked. */
    private static final class Loss {
        private Loss() {}

        static CompletionException of(PoolOwnership ownership, ForeignOwner why) {
            ownership.lost(why);
            return new CompletionException(why);
        }
    }
}
