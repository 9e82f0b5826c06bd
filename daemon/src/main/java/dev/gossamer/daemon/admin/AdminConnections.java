package dev.gossamer.daemon.admin;

import dev.gossamer.nbd.handshake.Peer;
import java.util.HashMap;
import java.util.Map;

/**
 * How many are connected to the admin socket. Where rules let others connect they cannot keep the owner out, who stops
 * the daemon with it, nor one of them the rest. Any thread.
 */
final class AdminConnections {
    /** A handful of scripts and a scraper; more at once is a mistake, and is closed. */
    static final int LIMIT = 64;

    /** Of all but the owner. */
    static final int OF_OTHERS = 48;

    /** Of one user, who is not the owner: whether he has any rights is known when he asks for something. */
    static final int OF_A_USER = 16;

    private final Map<Long, Integer> others = new HashMap<>();
    private int open;
    private int ofOthers;

    /**
     * Whether there is room for one more; then {@link #leave} is owed.
     *
     * @param userId who it is; {@link Peer#NO_USER} if that cannot be told
     */
    synchronized boolean enter(long userId, boolean owner) {
        if (open >= LIMIT || (!owner && (ofOthers >= OF_OTHERS || others.getOrDefault(userId, 0) >= OF_A_USER))) {
            return false;
        }
        open++;
        if (!owner) {
            ofOthers++;
            others.merge(userId, 1, Integer::sum);
        }
        return true;
    }

    /** One that has entered is gone, with the same words. */
    synchronized void leave(long userId, boolean owner) {
        open--;
        if (!owner) {
            ofOthers--;
            others.computeIfPresent(userId, (user, count) -> count == 1 ? null : count - 1);
        }
    }
}
