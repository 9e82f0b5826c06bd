package dev.gossamer.thin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StatusExtentsTest {
    private final StatusExtents extents = new StatusExtents();

    @Test
    void equalNeighboursBecomeOne() {
        extents.begin(100, 1000, 10);
        assertTrue(extents.upTo(200, 3));
        assertTrue(extents.upTo(300, 3));
        assertTrue(extents.upTo(300, 0), "nothing is said, and there is room");
        assertFalse(extents.upTo(5000, 2), "covered");
        assertEquals(2, extents.count());
        assertEquals(200, extents.lengthBytes(0));
        assertEquals(3, extents.flags(0));
        assertEquals(700, extents.lengthBytes(1));
        assertEquals(2, extents.flags(1));
    }

    @Test
    void theLastOneAllowedStillGrows() {
        extents.begin(0, 1000, 1);
        assertTrue(extents.upTo(10, 1));
        assertTrue(extents.upTo(20, 1));
        assertFalse(extents.upTo(30, 0));
        assertEquals(1, extents.count());
        assertEquals(20, extents.lengthBytes(0));
        assertEquals(20, extents.position());
    }

    @Test
    void theLargestVolumeFits() {
        extents.begin(0, VolumeSpec.MAX_SIZE_BYTES, 1);
        assertFalse(extents.upTo(Long.MAX_VALUE, 3));
        assertEquals(VolumeSpec.MAX_SIZE_BYTES, extents.lengthBytes(0));
        assertEquals(3, extents.flags(0));
    }

    @Test
    void itIsEmptyAgainAfterManyExtents() {
        extents.begin(0, 1 << 20, 1 << 16);
        for (int i = 1; i <= 1 << 16; i++) {
            assertTrue(extents.upTo(i, i & 1));
        }
        assertFalse(extents.upTo((1 << 16) + 1, 1));
        assertEquals(1 << 16, extents.count());
        extents.begin(7, 9, 1);
        assertEquals(0, extents.count());
        assertFalse(extents.upTo(9, 1));
        assertEquals(2, extents.lengthBytes(0));
    }
}
