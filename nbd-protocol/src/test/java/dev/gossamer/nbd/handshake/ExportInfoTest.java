package dev.gossamer.nbd.handshake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdFlags;
import org.junit.jupiter.api.Test;

/** H28, T1: an export the protocol forbids cannot be described. */
final class ExportInfoTest {
    private static ExportInfo sizes(long size, int minimum, int preferred, int maximum) {
        return new ExportInfo("v", "", size, NbdFlags.HAS_FLAGS, minimum, preferred, maximum);
    }

    private static void assertRefused(long size, int minimum, int preferred, int maximum) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> sizes(size, minimum, preferred, maximum));
        assertTrue(refusal.getMessage().startsWith("export 'v': "), refusal.getMessage());
    }

    private static void assertFlagsRefused(int flags) {
        assertThrows(IllegalArgumentException.class, () -> new ExportInfo("v", "", 4096, flags, 1, 4096, 1 << 20));
    }

    @Test
    void blockSizesKeepTheProtocolsRules() {
        assertEquals(1_000_001, sizes(1_000_001, 1, 512, 1 << 20).sizeBytes());
        assertEquals(0, sizes(0, 65536, 65536, 64 << 20).sizeBytes());
        assertRefused(4096, 0, 4096, 1 << 20);
        assertRefused(4096, 3, 4096, 1 << 20);
        assertRefused(1 << 20, 131072, 131072, 1 << 20);
        assertRefused(4096, 1, 256, 1 << 20);
        assertRefused(4096, 1, 4097, 1 << 20);
        assertRefused(4096, 4096, 2048, 1 << 20);
        assertRefused(4096, 1, 4096, (1 << 20) - 1);
        assertRefused(4096, 1, 2 << 20, 1 << 20);
        assertRefused(4096, 1, 4096, (64 << 20) + 1);
        assertRefused(4096, 512, 4096, (1 << 20) + 1);
        assertRefused(4097, 512, 4096, 1 << 20);
        assertRefused(-4096, 1, 4096, 1 << 20);
    }

    @Test
    void flagsKeepTheProtocolsRules() {
        assertFlagsRefused(0);
        assertFlagsRefused(NbdFlags.SEND_FLUSH);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | NbdFlags.SEND_DF);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | 1 << 9);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | 1 << 12);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | NbdFlags.SEND_FAST_ZERO);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | NbdFlags.READ_ONLY | NbdFlags.SEND_TRIM);
        assertFlagsRefused(NbdFlags.HAS_FLAGS | NbdFlags.READ_ONLY | NbdFlags.SEND_WRITE_ZEROES);
    }

    @Test
    void namesFitOnTheWire() {
        assertEquals(4096, HandshakePeer.export("n".repeat(4096), "").name().length());
        assertThrows(IllegalArgumentException.class, () -> HandshakePeer.export("\u00e9".repeat(2049), ""));
        assertThrows(IllegalArgumentException.class, () -> HandshakePeer.export("a\0", ""));
        assertThrows(IllegalArgumentException.class, () -> HandshakePeer.export("a", "\0"));
    }
}
