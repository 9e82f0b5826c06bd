package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Whoever may connect and nothing else keeps nobody out. */
class AdminConnectionsTest {
    private static final long OWNER = 1000;

    private final AdminConnections connections = new AdminConnections();

    private int enterAll(long firstUser, int users, int each) {
        int entered = 0;
        for (int i = 0; i < each; i++) {
            for (int user = 0; user < users; user++) {
                entered += connections.enter(firstUser + user, false) ? 1 : 0;
            }
        }
        return entered;
    }

    @Test
    void aUserLeavesRoomForOthers() {
        assertEquals(AdminConnections.OF_A_USER, enterAll(4711, 1, 1000));
        assertTrue(connections.enter(4712, false));
    }

    @Test
    void allOthersTogetherLeaveRoomForTheOwner() {
        assertEquals(AdminConnections.OF_OTHERS, enterAll(1, 500, 3));
        int owners = 0;
        while (connections.enter(OWNER, true)) {
            owners++;
        }
        assertEquals(AdminConnections.LIMIT - AdminConnections.OF_OTHERS, owners);
    }

    @Test
    void whoHasLeftMakesRoom() {
        enterAll(4711, 1, AdminConnections.OF_A_USER);
        assertFalse(connections.enter(4711, false));
        connections.leave(4711, false);
        assertTrue(connections.enter(4711, false));
        for (int i = 0; i < AdminConnections.OF_A_USER; i++) {
            connections.leave(4711, false);
        }
        assertEquals(AdminConnections.OF_OTHERS, enterAll(1, 500, 3));
        assertEquals(0, enterAll(9999, 1, 1));
    }
}
