package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.IoLoop;

/**
 * What all connections of a loop have under way together, who of them has memory on trust, and whether some
 * cannot go on for want of it. Confined to the loop, but for {@link #isPressed}.
 */
public final class LoopLoad {
    /**
     * Commands: each costs heap, with its requests, its place in the order of writes and the cells it waits for. Beyond
     * it each connection has one at a time. Sixty-four connections with all that one may have.
     */
    static final int COMMANDS = 16 << 10;

    /**
     * A loop's memory in parts: one is kept for clients that have shown that they take what they ask for, one more for
     * the first requests of others.
     */
    private static final int PARTS = 16;

    private final CommandCount commands = new CommandCount();
    private final ExportShares shares = new ExportShares();
    private final ReadTurns provenTurns;
    private final ReadTurns unprovenTurns;
    private final MemoryWaiters memoryWaiters;
    private final ReaderFlushes readerFlushes;
    private long unprovenBytes;
    // Written by the loop.
    private volatile int starved;

    /** Of a loop that has nothing to do yet. */
    public LoopLoad(IoLoop loop) {
        provenTurns = new ReadTurns(loop, commands, false);
        unprovenTurns = new ReadTurns(loop, commands, true);
        memoryWaiters = new MemoryWaiters(loop);
        readerFlushes = new ReaderFlushes(loop);
    }

    /**
     * Whether a connection may begin another command: its first always, and so many that it leaves as much room as it
     * has taken, and that its export does not have more than others. One that may not goes on when one of its own has
     * ended.
     */
    boolean mayBegin(int own, ExportShares.Share share) {
        return own == 0 || (own <= COMMANDS - commands.underWay() && shares.mayBegin(share));
    }

    /** What exports have of the loop. */
    ExportShares shares() {
        return shares;
    }

    MemoryWaiters memoryWaiters() {
        return memoryWaiters;
    }

    /** Of clients that may only read. */
    ReaderFlushes readerFlushes() {
        return readerFlushes;
    }

    /** Of long READs of clients that take what they ask for. */
    ReadTurns provenTurns() {
        return provenTurns;
    }

    /** Of all READs of the others. */
    ReadTurns unprovenTurns() {
        return unprovenTurns;
    }

    void changeCommands(int by, ExportShares.Share share) {
        commands.change(by);
        shares.change(share, by);
    }

    /**
     * Whether a client that has not shown anything yet may have so much of the loop's memory.
     *
     * @param first it holds nothing
     */
    boolean mayTrust(long lengthBytes, long capacityBytes, boolean first) {
        long keptBytes = (first ? 1 : 2) * (capacityBytes / PARTS);
        return unprovenBytes == 0 || unprovenBytes + lengthBytes <= capacityBytes - keptBytes;
    }

    void changeUnproven(long byBytes) {
        unprovenBytes += byBytes;
    }

    /** A connection that holds no transfer memory waits for some, or does not any more. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes it.
    void changeStarved(int by) {
        starved = starved + by;
    }

    /** Whether a connection waits for memory that others hold. Any thread. */
    boolean isPressed() {
        return starved > 0;
    }
}
