package dev.gossamer.pdata.check;

import java.io.IOException;
import java.io.StringReader;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** What {@code thin_dump} printed: per device the packed mappings by virtual block. */
record ThinDump(Map<Long, Map<Long, Long>> mappings) {

    static ThinDump parse(String xml) throws IOException, ParserConfigurationException, SAXException {
        Document document =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
        Map<Long, Map<Long, Long>> result = new TreeMap<>();
        NodeList devices = document.getElementsByTagName("device");
        for (int i = 0; i < devices.getLength(); i++) {
            Element device = (Element) devices.item(i);
            Map<Long, Long> mappings = new TreeMap<>();
            addMappings(mappings, device.getElementsByTagName("single_mapping"), "origin_block", "data_block");
            addMappings(mappings, device.getElementsByTagName("range_mapping"), "origin_begin", "data_begin");
            result.put(Long.valueOf(device.getAttribute("dev_id")), mappings);
        }
        return new ThinDump(result);
    }

    private static void addMappings(Map<Long, Long> mappings, NodeList elements, String from, String to) {
        for (int i = 0; i < elements.getLength(); i++) {
            Element element = (Element) elements.item(i);
            long virtualBlock = Long.parseLong(element.getAttribute(from));
            long dataBlock = Long.parseLong(element.getAttribute(to));
            long time = Long.parseLong(element.getAttribute("time"));
            String length = element.getAttribute("length");
            for (long n = 0; n < (length.isEmpty() ? 1 : Long.parseLong(length)); n++) {
                mappings.put(virtualBlock + n, (dataBlock + n) << 24 | time);
            }
        }
    }
}
