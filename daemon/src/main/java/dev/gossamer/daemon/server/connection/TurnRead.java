package dev.gossamer.daemon.server.connection;

/** A READ that takes {@link ReadTurns turns}. Confined to the loop. */
abstract class TurnRead extends Chain.Member<TurnRead> {
    /** {@link ReadTurns}' own: since when it has been counted. */
    long epoch;

    /**
     * It is its turn: begins a piece, for which {@link ReadTurns#ended} is called later, or at once.
     *
     * @return its bytes: no more than the limit, or all of a READ that is done at once
     */
    abstract long begin(int limitBytes);
}
