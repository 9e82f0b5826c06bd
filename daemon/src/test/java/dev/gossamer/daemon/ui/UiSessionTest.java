package dev.gossamer.daemon.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** When a session begins, what belongs to it, and when it ends. */
class UiSessionTest {
    private final AtomicLong nanos = new AtomicLong(-5); // clocks may begin anywhere
    private final UiSession session = new UiSession(nanos::get);

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Test
    void aTokenThatNobodyUsesEnds() {
        pass(UiSession.IDLE.plusSeconds(1));
        assertTrue(session.isOver());
        assertNull(session.open(session.token()));
        assertFalse(session.isOpened());
    }

    @Test
    void noSecretIsAnother() {
        UiSession.Secrets secrets = session.open(session.token());
        assertNotEquals(secrets.cookie(), secrets.key());
        assertNotEquals(session.token(), secrets.key());
        assertNotEquals(new UiSession(nanos::get).token(), session.token());
        assertFalse(session.admits(secrets.key(), secrets.cookie()), "exchanged");
        assertFalse(session.admits(session.token(), session.token()));
        assertFalse(session.admits(null, null));
        assertTrue(session.admits(secrets.cookie(), secrets.key()));
    }

    @Test
    void nothingIsAdmittedBeforeTheTokenIsUsed() {
        assertFalse(session.admits("", ""));
        assertFalse(session.admits(null, ""));
        assertNull(session.open(null));
        assertNull(session.open(""));
    }

    @Test
    void evenOneThatIsUsedAllTheTimeEnds() {
        UiSession.Secrets secrets = session.open(session.token());
        for (Duration used = Duration.ZERO; used.compareTo(UiSession.LONGEST) <= 0; used = used.plus(UiSession.IDLE)) {
            assertTrue(session.admits(secrets.cookie(), secrets.key()), used::toString);
            pass(UiSession.IDLE);
        }
        assertFalse(session.admits(secrets.cookie(), secrets.key()));
        assertTrue(session.isOver());
        nanos.set(0);
        assertTrue(session.isOver(), "what is over stays so");
        assertEquals(22, session.token().length());
    }
}
