package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.access.AccessRights;

/**
 * Who asks on the admin socket.
 *
 * @param name for log lines, as in {@code uid:1000,pid:4711}
 * @param owner the daemon's own user, or root: may have any path opened that the daemon can open
 */
record AdminCaller(String name, boolean owner, AccessRights rights) {
    /** Whether a request with this method may be carried out: GET changes nothing. */
    boolean may(String method) {
        return rights == AccessRights.READ_WRITE || (rights == AccessRights.READ_ONLY && method.equals("GET"));
    }
}
