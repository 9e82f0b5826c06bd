package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.SimulatedDisk;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** XML that is no pool is refused, by line and column (OT-38). */
final class XmlPoolTest {
    private static final String POOL =
            "<superblock uuid=\"\" time=\"0\" transaction=\"0\" data_block_size=\"128\" nr_data_blocks=\"100\">\n";
    private static final String DEVICE =
            "<device dev_id=\"1\" mapped_blocks=\"1\" transaction=\"0\" creation_time=\"0\" snap_time=\"0\">\n";
    private static final String END = "</device></superblock>";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    <other/>|belong
                    <single_mapping origin_block="1" data_block="100" time="0"/>|data block 100
                    <single_mapping origin_block="1" data_block="1"/>|time is missing
                    <single_mapping origin_block="1" data_block="1" time="16777216"/>|2^24
                    <single_mapping origin_block="1" data_block="1" time="0" more="1"/>|more is unknown
                    <single_mapping origin_block="1" origin_block="1" data_block="1" time="0"/>|twice
                    <single_mapping origin_block="99999999999999999999" data_block="1" time="0"/>|64 bits
                    <range_mapping origin_begin="1" data_begin="99" length="2" time="0"/>|the pool has 100
                    <range_mapping origin_begin="1" data_begin="1" length="0" time="0"/>|does not fit
                    <range_mapping origin_begin="18446744073709551615" data_begin="1" length="2" time="0"/>|does not fit
                    <ref name="7"/>|is not there
                    """)
    void whatCannotBeAMappingIsRefused(String mapping, String reason) {
        refused(POOL + DEVICE + mapping + END, reason);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1"})
    void keysThatDoNotAscendAreRefused(int first, int second) {
        String one = "<single_mapping origin_block=\"%d\" data_block=\"1\" time=\"0\"/>";
        refused(POOL + DEVICE + one.formatted(first) + one.formatted(second) + END, "must ascend");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    <def name="1"><def name="2"></def></def>|belong
                    <def name="1"></def><def name="1"></def>|twice
                    <def></def>|name is missing
                    <device dev_id="16777216" mapped_blocks="1" transaction="0" creation_time="0" snap_time="0"/>|ids
                    </device>|ends nothing
                    """)
    void whatCannotBeInAPoolIsRefused(String element, String reason) {
        refused(POOL + element + "</superblock>", reason);
    }

    @ParameterizedTest
    @CsvSource({"'', is missing", "'<pool/>', is missing"})
    void whatIsNoPoolIsRefused(String xml, String reason) {
        refused(xml, reason);
    }

    @ParameterizedTest
    @CsvSource({"ends before", "too early"})
    void aDeviceThatIsThereTwiceOrCutShortIsRefused(String reason) {
        refused(POOL + DEVICE + "</device>" + DEVICE + END, "device 1 is there twice");
        refused(POOL + DEVICE + (reason.equals("too early") ? "<single_mapping origin" : ""), reason);
    }

    /** Bytes that no text has are refused wherever they stand but in a value that nobody reads. */
    @Test
    void bytesThatAreNoTextAreRefused() throws IOException {
        String sound = POOL + DEVICE + "<single_mapping origin_block=\"1\" data_block=\"1\" time=\"0\"/>" + END;
        int uuid = sound.indexOf("uuid=\"") + 6;
        for (int at = 0; at <= sound.length(); at++) {
            for (int wrong : new int[] {0xff, 0x00, 0x80}) {
                byte[] head = sound.substring(0, at).getBytes(StandardCharsets.US_ASCII);
                byte[] tail = sound.substring(at).getBytes(StandardCharsets.US_ASCII);
                ByteArrayOutputStream xml = new ByteArrayOutputStream();
                xml.write(head);
                xml.write(wrong);
                xml.write(tail);
                if (at != uuid) {
                    refused(xml.toByteArray(), "line ");
                }
            }
        }
    }

    private static void refused(String xml, String reason) {
        refused(xml.getBytes(StandardCharsets.US_ASCII), reason);
    }

    private static void refused(byte[] bytes, String reason) {
        try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(1 << 20))) {
            BadPool refused = assertThrows(BadPool.class, () -> new OutputDevice(target.io, warning -> {})
                    .write(sink -> new XmlPool(new ByteArrayInputStream(bytes), sink).read()));
            assertTrue(refused.getMessage().contains(reason), refused.getMessage());
            assertTrue(refused.getMessage().startsWith("line "), refused.getMessage());
        }
    }
}
