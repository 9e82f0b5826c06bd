package dev.gossamer.daemon.server.connection;

/**
 * Connections whose READs wait for a turn ({@link ReadTurns}), first in, first out, each once: linked through
 * themselves, so that nothing here can fail. Confined to the loop.
 */
final class LineQueue {
    private Line first;
    private Line last;

    /** The READs of one connection that wait for a turn: no more than it may have commands. Confined to the loop. */
    static final class Line {
        private TurnRead firstRead;
        private TurnRead lastRead;
        private Line next;
        private boolean isQueued;
        private int members;
        // By next: as many as the connection had at a time, which is no more than its commands.
        private ShortRead firstSpare;

        void add(TurnRead read) {
            read.next = null;
            if (firstRead == null) {
                firstRead = read;
            } else {
                lastRead.next = read;
            }
            lastRead = read;
        }

        TurnRead remove() {
            TurnRead read = firstRead;
            firstRead = read.next;
            return read;
        }

        boolean isEmpty() {
            return firstRead == null;
        }

        /** Null if there is none. */
        ShortRead takeSpare() {
            ShortRead spare = firstSpare;
            if (spare != null) {
                firstSpare = (ShortRead) spare.next;
            }
            return spare;
        }

        /** A READ of this connection that is over. */
        void giveSpare(ShortRead spare) {
            spare.next = firstSpare;
            firstSpare = spare;
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
        return first == null;
    }

    /** Unless it stands in a queue already. */
    void add(Line line) {
        if (line.isQueued) {
            return;
        }
        line.isQueued = true;
        if (first == null) {
            first = line;
        } else {
            last.next = line;
        }
        last = line;
    }

    Line remove() {
        Line line = first;
        first = line.next;
        line.next = null;
        line.isQueued = false;
        return line;
    }
}
