package dev.gossamer.it;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** The mappings of a pool in the XML of {@code thin_dump}: device id to virtual block to data block. */
final class ThinDump {
    private ThinDump() {}

    /** Runs {@code thin_dump} on a metadata device. */
    static Map<Long, Map<Long, Long>> of(Path metadata) throws IOException, InterruptedException, XMLStreamException {
        String xml = Tool.succeed("thin_dump", metadata.toString()).out();
        return parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Newer versions write a subtree that devices share once, as {@code <def name=..>}, and refer to it by {@code
     * <ref>}.
     */
    static Map<Long, Map<Long, Long>> parse(InputStream xml) throws XMLStreamException {
        Map<Long, Map<Long, Long>> devices = new TreeMap<>();
        Map<String, Map<Long, Long>> shared = new HashMap<>();
        Map<Long, Long> current = Map.of();
        XMLStreamReader reader = XMLInputFactory.newFactory().createXMLStreamReader(xml);
        while (reader.hasNext()) {
            if (reader.next() != XMLStreamConstants.START_ELEMENT) {
                continue;
            }
            switch (reader.getLocalName()) {
                case "device" -> current = devices.computeIfAbsent(number(reader, "dev_id"), id -> new TreeMap<>());
                case "def" -> current =
                        shared.computeIfAbsent(reader.getAttributeValue(null, "name"), name -> new TreeMap<>());
                case "ref" -> current.putAll(shared.get(reader.getAttributeValue(null, "name")));
                case "single_mapping" -> current.put(number(reader, "origin_block"), number(reader, "data_block"));
                case "range_mapping" -> {
                    for (long i = 0; i < number(reader, "length"); i++) {
                        current.put(number(reader, "origin_begin") + i, number(reader, "data_begin") + i);
                    }
                }
                default -> {} // <superblock>
            }
        }
        return devices;
    }

    private static long number(XMLStreamReader reader, String attribute) {
        return Long.parseLong(reader.getAttributeValue(null, attribute));
    }
}
