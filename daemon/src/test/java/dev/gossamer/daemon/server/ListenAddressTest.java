package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ListenAddressTest {
    @ParameterizedTest
    @ValueSource(strings = {"unix:/run/x.sock", "tcp:127.0.0.1:10809", "tcp:[0:0:0:0:0:0:0:1]:99"})
    void anAddressReadsAsItIsWritten(String text) {
        assertEquals(text, ListenAddress.parse(text).toString());
        assertTrue(ListenAddress.parse(text).isLocal());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "unix:", "tcp:", "127.0.0.1:1", "tcp:127.0.0.1:x", "tcp:127.0.0.1:70000", "tcp::1"})
    void whatIsNoAddressIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse(text));
    }

    @Test
    void theDefaultPortIsThatOfNbd() {
        assertEquals("tcp:127.0.0.1:10809", ListenAddress.parse("tcp:127.0.0.1").toString());
    }

    @Test
    void aPortAloneIsOneOfThisMachine() {
        assertEquals("tcp:127.0.0.1:10809", ListenAddress.parse("tcp:10809").toString());
        assertTrue(ListenAddress.parse("tcp:0").isLocal());
        assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse("tcp:70000"));
    }

    @Test
    void addressesSayWhetherClientsEncrypt() {
        assertEquals("nbds://127.0.0.1:1/", ListenAddress.parse("tcp:1").uri(true));
        assertEquals("nbd://127.0.0.1:1/", ListenAddress.parse("tcp:1").uri(false));
        assertEquals("nbds+unix:///?socket=/s", ListenAddress.parse("unix:/s").uri(true));
    }

    @Test
    void theUnspecifiedAddressIsNotLocal() {
        assertFalse(ListenAddress.parse("tcp:0.0.0.0:1").isLocal());
    }

    @Test
    void aPathThatTheSystemHasNoRoomForIsRefusedWithTheReason() {
        var refused =
                assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse("unix:/" + "x".repeat(107)));
        assertTrue(refused.getMessage().contains("107"), refused.getMessage());
    }
}
