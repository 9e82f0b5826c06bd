package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a daemon becomes the owner of a pool (OP-12), on the ownership's loop.
 *
 * <ol>
 *   <li>Look at the owner block and at the superblock. If the slot says closed, or its process has certainly gone, or
 *       the pool has never had an owner nor a volume, go on at once; else look again after a while: whatever has
 *       changed meanwhile is somebody alive, and the claim is refused with nothing written.
 *   <li>Go through the door, of which there is one for each epoch: write oneself as contender; give up if the door is
 *       closed; close it; give up if somebody else is contender now. Of all who try, however they overlap, at most one
 *       gets through: of two, the one who became contender first finds the other there, or the other finds the door
 *       closed. No clock is needed for that, so an orderly start does not wait.
 *   <li>Write the slot, and read it back.
 *   <li>If the first step had to wait: wait once more, longer than anybody needs from looking to writing, and read it
 *       back again. A daemon that stood still between the two has overwritten the slot by then, or has seen it.
 * </ol>
 *
 * <p>What clocks cannot do: a write that was sent long ago may be carried out at any time by what lies between. Against
 * that helps only that the loser is cut off below (OP-15).
 */
final class OwnerClaim {
    private static final Logger LOG = LoggerFactory.getLogger(OwnerClaim.class);

    /** How long a slot must stay as it is before its owner counts as gone; five intervals, if that is more. */
    static final long QUIET_NANOS = 10_000_000_000L;

    private static final int QUIET_INTERVALS = 5;

    /**
     * Between looking and writing on the strength of it; who takes longer has been stopped in between, and looks again.
     */
    static final long FRESH_NANOS = 1_000_000_000L;

    /**
     * What is taken from a living owner: until he must have seen it, or may send nothing more because he cannot look.
     */
    private static final long FORCED_SETTLE_NANOS = PoolOwnership.VALID_NANOS + PoolOwnership.INTERVAL_NANOS;

    /** A contender adds up to this, so that two of them do not go on in step. */
    private static final long JITTER_NANOS = 1_000_000_000L;

    private static final int ATTEMPTS = 3;

    private final LoopIo io;
    private final IoLoop loop;
    private final OwnerHost host;
    private final OwnerPlace place;
    private final OwnerBlock block;
    private final BlockDevice metadata;
    private final BlockDevice data;
    private final boolean force;
    private final RandomGenerator random;
    private final UUID claim;

    private Moment lookedAt = Moment.NEVER;
    private byte[] superblock;

    /** @param force does not wait for an owner that seems to be there */
    OwnerClaim(
            LoopIo io,
            IoLoop loop,
            OwnerHost host,
            OwnerPlace place,
            BlockDevice metadata,
            BlockDevice data,
            boolean force,
            RandomGenerator random) {
        this.io = io;
        this.loop = loop;
        this.host = host;
        this.place = place;
        this.block = new OwnerBlock(io, data, place.offsetBytes(), place.mapped() ? null : place.basis());
        this.metadata = metadata;
        this.data = data;
        this.force = force;
        this.random = random;
        this.claim = new UUID(random.nextLong(), random.nextLong());
    }

    /**
     * A slot of one's own.
     *
     * @param superblock as it is now
     * @param writtenAt before it was written
     */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    record Claimed(OwnerSlot slot, Registers registers, byte[] superblock, Moment writtenAt) {}

    /** Ends with {@link ForeignOwner} if somebody else has the pool, or with another {@link StorageException}. */
    CompletableFuture<Claimed> start() {
        return attempt(ATTEMPTS);
    }

    private CompletableFuture<Claimed> attempt(int left) {
        return look().thenCompose(seen -> {
            long wait = waitNanos(seen);
            if (wait == 0) {
                return enter(seen, block.hasSeparateRegisters() ? 0 : PoolOwnership.SETTLE_NANOS, left);
            }
            if (!force) {
                LOG.info(
                        "{}: the pool may be in use, looking again in {} s: {}", data, wait / 1_000_000_000, who(seen));
            }
            return io.pause(force ? 0 : wait + random.nextLong(JITTER_NANOS))
                    .thenCompose(over -> look())
                    .thenCompose(again -> again.sameAs(seen)
                            ? enter(again, force ? FORCED_SETTLE_NANOS : PoolOwnership.SETTLE_NANOS, left)
                            : refused(again));
        });
    }

    /** Who takes the pool from a living owner by force does not mind what that one still commits. */
    private CompletableFuture<Registers> look() {
        return look(!force || !place.mapped());
    }

    /** @param unchanged the superblock must be as it was when the slot's place was found out */
    private CompletableFuture<Registers> look(boolean unchanged) {
        Moment began = now();
        return io.read(metadata, 0, SuperblockImages.BYTES).thenCompose(found -> {
            superblock = found;
            return unchanged && !Arrays.equals(found, place.superblock())
                    ? CompletableFuture.failedFuture(new ForeignOwner(metadata
                            + ": somebody else is changing the pool; stop that one first, nothing was written"))
                    : readBlock(began);
        });
    }

    private Moment now() {
        return new Moment(loop.nanoTime(), host.currentTimeMillis());
    }

    private CompletableFuture<Registers> readBlock(Moment began) {
        return block.read(data).thenApply(found -> {
            lookedAt = began;
            return found;
        });
    }

    /** 0 = nobody can be there. */
    private long waitNanos(Registers seen) {
        OwnerSlot slot = seen.slot();
        if (seen.isBeingClaimed()) {
            return QUIET_NANOS;
        }
        if (slot == null) {
            return place.unused() ? 0 : PoolOwnership.SETTLE_NANOS;
        }
        // Who died while claiming may have taken the slot from somebody who has not noticed yet.
        boolean settled = slot.state() == OwnerSlot.State.RUNNING;
        if (slot.state() == OwnerSlot.State.CLOSED || (settled && host.isGone(slot.process()))) {
            return 0;
        }
        // A foreign number sizes nothing: an owner that writes more rarely than every minute is none of ours.
        long interval = Math.min(slot.intervalMillis(), 60_000) * 1_000_000L;
        return Math.max(QUIET_NANOS, QUIET_INTERVALS * interval);
    }

    private <T> CompletableFuture<T> refused(Registers seen) {
        return CompletableFuture.failedFuture(new ForeignOwner(data + ": another daemon has the pool: " + who(seen)
                + "; stop it, or let it go on; nothing was changed"));
    }

    private String who(Registers seen) {
        OwnerSlot other = seen.isBeingClaimed() ? seen.door() : seen.slot();
        return other == null ? "it has never had an owner slot" : other.describe(host.currentTimeMillis());
    }

    private CompletableFuture<Claimed> enter(Registers seen, long settle, int left) {
        if (!seen.hasNextEpoch()) {
            return force ? startAnew(seen, left) : CompletableFuture.failedFuture(noEpochLeft());
        }
        OwnerSlot mine = mine(seen, settle > 0 ? OwnerSlot.State.CLAIMING : OwnerSlot.State.RUNNING);
        return ifFresh(() -> block.writeContender(data, seen, mine))
                .thenCompose(done -> look())
                .thenCompose(found -> isAlive(seen, found) || isClosed(found, mine)
                        ? again(left, null)
                        : ifFresh(() -> block.writeDoor(data, found, mine))
                                .thenCompose(done -> look())
                                .thenCompose(last -> !isAlive(seen, last) && mine.isSameClaim(last.contender())
                                        ? own(last, mine, settle)
                                        : again(left, null)))
                .exceptionallyCompose(failure -> Failures.cause(failure) instanceof StoodStill stopped
                        ? again(left, stopped)
                        : CompletableFuture.failedFuture(Failures.cause(failure)));
    }

    private OwnerSlot mine(Registers seen, OwnerSlot.State state) {
        long now = host.currentTimeMillis();
        return new OwnerSlot(
                seen.nextEpoch(),
                seen.slot() == null ? 1 : seen.slot().sequence() + 1,
                state,
                claim,
                place.basis(),
                host.self(),
                (int) (PoolOwnership.INTERVAL_NANOS / 1_000_000),
                now,
                now);
    }

    /** Somebody writes the slot: who is taken by force may, for a while; another must not be overtaken. */
    private boolean isAlive(Registers before, Registers now) {
        return force ? now.slotEpoch() != before.slotEpoch() : !Objects.equals(before.slot(), now.slot());
    }

    private static boolean isClosed(Registers found, OwnerSlot mine) {
        return Long.compareUnsigned(found.doorEpoch(), mine.epoch()) >= 0;
    }

    private StorageException noEpochLeft() {
        return new StorageException(
                Errno.EINVAL,
                data + ": the owner slot has no epoch left, so it is damaged or forged; make sure that no other daemon "
                        + "serves the pool, then start once with --force-owner, which begins a new one");
    }

    /** Whoever was there finds a slot that is not its own. */
    private CompletableFuture<Claimed> startAnew(Registers seen, int left) {
        LOG.warn("{}: the owner slot has no epoch left; it is thrown away, and a new one begun", data);
        return ifFresh(() -> block.clear(data, seen)).thenCompose(done -> again(left, null));
    }

    private CompletableFuture<Claimed> own(Registers present, OwnerSlot mine, long settle) {
        Moment writtenAt = now();
        CompletableFuture<Registers> readBack =
                ifFresh(() -> block.writeSlot(data, present, mine)).thenCompose(done -> look());
        if (settle > 0) {
            readBack = readBack.thenCompose(found -> io.pause(settle + random.nextLong(JITTER_NANOS)))
                    .thenCompose(over -> look(!place.mapped()));
        }
        return readBack.thenCompose(found -> mine.isSameClaim(found.slot())
                ? CompletableFuture.completedFuture(new Claimed(mine, found, superblock, writtenAt))
                : refused(found));
    }

    /** @param stopped this process or its devices stood still in between; null: somebody else is claiming as well */
    private CompletableFuture<Claimed> again(int left, StoodStill stopped) {
        if (left <= 1) {
            return stopped == null ? look().thenCompose(this::refused) : CompletableFuture.failedFuture(stopped);
        }
        return io.pause(random.nextLong(JITTER_NANOS)).thenCompose(over -> attempt(left - 1));
    }

    private interface Write {
        CompletableFuture<byte[]> begin();
    }

    private CompletableFuture<byte[]> ifFresh(Write write) {
        boolean stale = lookedAt.plus(FRESH_NANOS).isOver(loop.nanoTime(), host.currentTimeMillis());
        return !stale ? write.begin() : CompletableFuture.failedFuture(new StoodStill());
    }

    /** More time has passed since the last look than there may. */
    private static final class StoodStill extends StorageException {
        private static final long serialVersionUID = 1L;

        StoodStill() {
            super(Errno.EAGAIN, "the devices answer too slowly to become the owner of the pool; try again");
        }
    }
}
