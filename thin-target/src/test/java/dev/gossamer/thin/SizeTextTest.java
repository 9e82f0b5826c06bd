package dev.gossamer.thin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SizeTextTest {
    @Test
    void theLargestUnitOfWhichThereIsOneAndNeverMoreThanThereIs() {
        assertEquals("0 bytes", SizeText.of(0));
        assertEquals("1023 bytes", SizeText.of(1023));
        assertEquals("1 KiB", SizeText.of(1024));
        assertEquals("16 MiB", SizeText.of(16L << 20));
        assertEquals("37.5 MiB", SizeText.of(600L << 16));
        assertEquals("1.9 GiB", SizeText.of((2L << 30) - 1));
        assertEquals("64 PiB", SizeText.of(1L << 56));
        assertEquals("7.9 EiB", SizeText.of(Long.MAX_VALUE));
    }
}
