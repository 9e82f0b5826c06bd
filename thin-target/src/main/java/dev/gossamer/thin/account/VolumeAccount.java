package dev.gossamer.thin.account;

import dev.gossamer.thin.metadata.OwnBlocks;

/**
 * What a volume has been promised, and what of that it needs still: need = max(0, promise - own - in preparation)
 * (AC-13). What it has of its own it writes in place; whatever else it writes takes a block, and there is one for it.
 * As long as its own blocks are {@linkplain OwnBlocks#isKnown being counted}, those not found yet are taken for
 * others': then too much is held for it, and never too little. In data blocks. Worker's thread.
 */
public final class VolumeAccount {
    private final PoolAccount pool;
    private final OwnBlocks own;
    private long promised;
    private int preparing;
    private double writableBytes;
    // As they are in the pool's sums.
    private long need;
    private int uncounted;
    private boolean uncountable;

    /** Opens an account; {@link #close} ends it. */
    public VolumeAccount(PoolAccount pool, OwnBlocks own) {
        this.pool = pool;
        this.own = own;
        own.tell(this::update);
    }

    /** The volume has this promise from now on, and this size to be written; 0: it cannot be. */
    public void promise(long blocks, long newWritableBytes) {
        promised = blocks;
        pool.changeWritable(newWritableBytes - writableBytes);
        writableBytes = newWritableBytes;
        update();
    }

    /** A block is taken that will be the volume's own. */
    public void beginPreparation() {
        preparing++;
        update();
    }

    /** It is its own, or given back. */
    public void endPreparation() {
        preparing--;
        update();
    }

    /** The volume's blocks cannot be counted, for its metadata is damaged: nobody waits for that. */
    public void giveUpCounting() {
        uncountable = true;
        update();
    }

    /** The volume is gone, and needs nothing. */
    public void close() {
        own.tell(() -> {});
        pool.change(-need, -uncounted);
        pool.changeWritable(-writableBytes);
        need = 0;
        uncounted = 0;
    }

    /** Blocks that are promised to the volume, mapped or not. */
    public long promised() {
        return promised;
    }

    /** Blocks that are held for the volume now: at least those that it needs. */
    public long need() {
        return need;
    }

    /** The same, if it had another promise. */
    public long needWith(long otherPromise) {
        return Math.max(0, otherPromise - own.atLeast() - preparing);
    }

    /** Whether it needs some for certain, of so many that it has mapped: its own ones are among these. */
    public boolean isInNeed(long mapped) {
        return promised - (own.isKnown() ? own.atLeast() : mapped) - preparing > 0;
    }

    /** What the volume has for itself, as far as it is known. */
    public OwnBlocks own() {
        return own;
    }

    /** Whether the promise cannot be told exactly before its blocks have been counted. */
    public boolean isUncounted() {
        return uncounted > 0;
    }

    private void update() {
        long newNeed = needWith(promised);
        int newUncounted = promised > 0 && !own.isKnown() && !uncountable ? 1 : 0;
        pool.change(newNeed - need, newUncounted - uncounted);
        need = newNeed;
        uncounted = newUncounted;
    }
}
