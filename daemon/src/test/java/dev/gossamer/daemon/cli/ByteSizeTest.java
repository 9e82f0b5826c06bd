package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "512, 512",
        "64k, 65536",
        "64K, 65536",
        "3M, 3145728",
        "10G, 10737418240",
        "2t, 2199023255552",
        "8191P, 9222246136947933184"
    })
    void unitsArePowersOf1024(String text, long bytes) {
        assertEquals(bytes, ByteSize.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "k", "-1", "1.5G", "10GB", "10 G", "0x10", "8192P", "9223372036854775808"})
    void whatIsNoSizeIsRefused(String text) {
        assertThrows(TypeConversionException.class, () -> ByteSize.parse(text));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1023, 1023",
        "1024, 1k",
        "1536, 1.5k",
        "65536, 64k",
        "1048575, 1024k",
        "104857600, 100M",
        "107374182400, 100G",
        "1125899906842624, 1P"
    })
    void sizesForPeopleAreShort(long bytes, String text) {
        assertEquals(text, ByteSize.format(bytes));
    }

    @Test
    void theLargestSizeHasAForm() {
        assertEquals("8192P", ByteSize.format(Long.MAX_VALUE));
    }
}
