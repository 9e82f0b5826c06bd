package dev.gossamer.daemon.server.connection;

import java.util.HashMap;
import java.util.Map;

/**
 * Shares of exports in the commands that a loop has under way. Devices serve who asks more for more, so an export with
 * many connections would take what they have from all others. So when exports together ask for more than {@link
 * #COMMANDS}, each may have as many as the others, and what one does not ask for is theirs: the level at which all of
 * them together have so many. Each then has as much at the device as the others, and as much of its time. An export
 * that is alone may have as much as it likes.
 *
 * <p>What an export asks for shows in the most that it had under way in this epoch and the last one, or in that it was
 * refused. Not in what it has at the moment: a disk may answer all that it has at once, and whoever comes first then
 * would take everything.
 *
 * <p>A connection that may not begin has a command under way, and goes on when that has ended: nobody is woken here.
 * Confined to the loop.
 */
final class ExportShares {
    /** With so many a disk is fastest. Four exports with a depth of 64 ask for twice that, so all queue here. */
    static final int COMMANDS = 128;

    /** Commands after which what was asked for before is forgotten. */
    private static final int EPOCH = 4 * COMMANDS;

    private static final int NO_LIMIT = Integer.MAX_VALUE;

    /** Commands of one export. */
    static final class Share {
        private final String key;
        private int connections;
        private int underWay;
        private int most;
        private int mostBefore;
        private boolean asks;
        // In the list of those that ask.
        private Share next;

        Share(String key) {
            this.key = key;
        }

        private int wanted() {
            return Math.max(most, mostBefore);
        }
    }

    private final Map<String, Share> shares = new HashMap<>();
    // No list of the library's: a command that begins must not need memory for that.
    private Share firstAsking;
    private int asking;
    private int level = NO_LIMIT;
    private int begun;

    /** For a connection, which leaves once. */
    Share join(String exportKey) {
        Share share = shares.computeIfAbsent(exportKey, Share::new);
        share.connections++;
        return share;
    }

    void leave(Share share) {
        if (--share.connections == 0) {
            shares.remove(share.key);
        }
    }

    /** Whether an export may have one more. */
    boolean mayBegin(Share share) {
        if (share.underWay < level) {
            return true;
        }
        share.most = NO_LIMIT;
        return false;
    }

    void change(Share share, int by) {
        share.underWay += by;
        if (by < 0) {
            return;
        }
        share.most = Math.max(share.most, share.underWay);
        if (!share.asks) {
            share.asks = true;
            share.next = firstAsking;
            firstAsking = share;
            asking++;
            setLevel();
        } else if (++begun >= EPOCH) {
            begun = 0;
            nextEpoch();
        }
    }

    private void nextEpoch() {
        Share all = firstAsking;
        firstAsking = null;
        asking = 0;
        while (all != null) {
            Share share = all;
            all = share.next;
            share.mostBefore = share.most;
            share.most = share.underWay;
            share.asks = share.wanted() > 0;
            share.next = share.asks ? firstAsking : null;
            firstAsking = share.asks ? share : firstAsking;
            asking += share.asks ? 1 : 0;
        }
        setLevel();
    }

    /** Where those that ask for less have what they ask for, and the others the same. */
    private void setLevel() {
        int found = 0;
        for (int next = COMMANDS / asking; next > found; ) {
            found = next;
            int left = COMMANDS;
            int above = 0;
            for (Share share = firstAsking; share != null; share = share.next) {
                boolean more = share.wanted() > found;
                above += more ? 1 : 0;
                left -= more ? 0 : share.wanted();
            }
            next = above == 0 ? NO_LIMIT : left / above;
        }
        level = asking == 1 ? NO_LIMIT : Math.max(1, found);
    }
}
