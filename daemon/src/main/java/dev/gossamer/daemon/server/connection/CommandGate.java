package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.rate.RateTurn;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;

/**
 * How many commands of one connection are under way, and whether the next one may begin: by what connection, export
 * and loop may have at once, then by the volume's rates. One that may not has taken nothing yet, neither memory nor a
 * place in the order of writes, and what is behind it stays in the socket: a FLUSH too, which is not counted. Confined
 * to the connection's event loop.
 */
final class CommandGate {
    private final ConnectionLimits limits;
    private final LoopLoad load;
    private final ConnectionCounters counters;
    private final RateTurn turn;
    private final ExportShares.Share share;
    private int underWay;

    /**
     * Of a connection that has no commands.
     *
     * @param load of the loop
     * @param exportKey what the connection has open
     * @param turn at the rates of what the connection has open
     */
    CommandGate(ConnectionLimits limits, LoopLoad load, ConnectionCounters counters, String exportKey, RateTurn turn) {
        this.limits = limits;
        this.load = load;
        this.counters = counters;
        this.turn = turn;
        this.share = load.shares().join(exportKey);
    }

    /** Whether a command may begin now; if not it is offered again. */
    boolean mayBegin(NbdRequest command) {
        return underWay < limits.requests()
                && load.mayBegin(underWay, share)
                && (!turn.isLimited() || !isRated(command) || turn.mayGo(isWrite(command), ratedBytes(command)));
    }

    /** What {@link #mayBegin} let through finds no memory: it is offered again, and has used nothing. False. */
    boolean notBegun(NbdRequest command) {
        if (turn.isLimited() && isRated(command)) {
            turn.giveBack();
        }
        return false;
    }

    /** Whether a command stands in line at the volume's rates, and is of no use before its turn. */
    boolean isInLine() {
        return turn.isWaiting();
    }

    /** No command will begin any more. */
    void leave() {
        turn.leave();
    }

    /** So many more are under way, or fewer. */
    void change(int by) {
        underWay += by;
        load.changeCommands(by, share);
        counters.setInFlight(underWay);
    }

    /** The connection is over: nothing is under way, and nothing will be. Once. */
    void over() {
        load.shares().leave(share);
    }

    boolean isIdle() {
        return underWay == 0;
    }

    /** FLUSH, and what is carried out as one, comes with no more than has gone before; status asks for no data. */
    private static boolean isRated(NbdRequest command) {
        return command.lengthBytes() > 0
                && command.command() != NbdCommand.FLUSH
                && command.command() != NbdCommand.BLOCK_STATUS;
    }

    private static boolean isWrite(NbdRequest command) {
        return command.command() != NbdCommand.READ && command.command() != NbdCommand.CACHE;
    }

    /** What is sent, and zeros that have to be written. Unmapping moves no data, nor does getting ready. */
    private static long ratedBytes(NbdRequest command) {
        return switch (command.command()) {
            case NbdCommand.READ, NbdCommand.WRITE -> command.lengthBytes();
            case NbdCommand.WRITE_ZEROES -> (command.flags() & NbdFlags.CMD_NO_HOLE) == 0 ? 0 : command.lengthBytes();
            default -> 0;
        };
    }
}
