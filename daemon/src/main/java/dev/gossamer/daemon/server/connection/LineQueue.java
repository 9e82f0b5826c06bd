package dev.gossamer.daemon.server.connection;

/**
 * Connections whose READs wait for a turn ({@link ReadTurns}), first in, first out, each once. Confined to the loop.
 */
final class LineQueue {
    private final Chain<Line> lines = new Chain<>();

    /** The READs of one connection that wait for a turn: no more than it may have commands. Confined to the loop. */
    static final class Line extends Chain.Member<Line> {
        private final Chain<TurnRead> reads = new Chain<>();
        private boolean isQueued;
        private int members;
        // As many as the connection had at a time, which is no more than its commands.
        private final Chain<TurnRead> spares = new Chain<>();

        void add(TurnRead read) {
            reads.add(read);
        }

        TurnRead remove() {
            return reads.remove();
        }

        boolean isEmpty() {
            return reads.isEmpty();
        }

        /** Null if there is none. */
        ShortRead takeSpare() {
            return spares.isEmpty() ? null : (ShortRead) spares.remove();
        }

        /** A READ of this connection that is over. */
        void giveSpare(ShortRead spare) {
            spares.addFirst(spare);
        }

        /** READs that take turns, whether they wait for the next one or have it. */
        int members() {
            return members;
        }

        void changeMembers(int by) {
            members += by;
        }
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }

    /** Unless it stands in a queue already. */
    void add(Line line) {
        if (!line.isQueued) {
            line.isQueued = true;
            lines.add(line);
        }
    }

    Line remove() {
        Line line = lines.remove();
        line.isQueued = false;
        return line;
    }
}
