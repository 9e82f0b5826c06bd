package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.config.Quantity;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What clients may do with a volume in a second. */
final class RateOptions {
    @Option(
            names = "--iops",
            paramLabel = "N",
            description = "Most reads and writes a second, of all clients together; 0 = no limit, as in all of these.")
    private Long iops;

    @Option(names = "--read-iops", paramLabel = "N", description = "Most reads a second.")
    private Long readIops;

    @Option(names = "--write-iops", paramLabel = "N", description = "Most writes, trims and zeroings a second.")
    private Long writeIops;

    @Option(
            names = "--bandwidth",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Most that is read and written in a second, 64k or more.")
    private Long bandwidth;

    @Option(
            names = "--read-bandwidth",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Most that is read in a second.")
    private Long readBandwidth;

    @Option(
            names = "--write-bandwidth",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Most that is written in a second.")
    private Long writeBandwidth;

    @Option(
            names = "--burst",
            paramLabel = "TIME",
            converter = Burst.class,
            description = "What was not used for so long may be used at once, 10ms to 1h; 0 = 100ms.")
    private Long burstMillis;

    /** A time, as a number of milliseconds. */
    static final class Burst implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            try {
                return Quantity.shortTime(text).toMillis();
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + text + "' is no time; write it as in 250ms, 30s or 5m");
            }
        }
    }

    /** What was given, for the daemon; empty if nothing was. */
    ObjectNode body() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        put(body, "iops", iops);
        put(body, "readIops", readIops);
        put(body, "writeIops", writeIops);
        put(body, "bandwidth", bandwidth);
        put(body, "readBandwidth", readBandwidth);
        put(body, "writeBandwidth", writeBandwidth);
        put(body, "burstMillis", burstMillis);
        return body;
    }

    private static void put(ObjectNode body, String field, Long value) {
        if (value != null) {
            body.put(field, value);
        }
    }

    /** What a volume has, in one line. */
    static String text(JsonNode volume) {
        JsonNode rates = volume.path("rates");
        List<String> words = new ArrayList<>();
        addIops(words, rates, "iops", "");
        addIops(words, rates, "readIops", "read ");
        addIops(words, rates, "writeIops", "write ");
        addBandwidth(words, rates, "bandwidth", "");
        addBandwidth(words, rates, "readBandwidth", " read");
        addBandwidth(words, rates, "writeBandwidth", " written");
        if (words.isEmpty()) {
            return "no limit";
        }
        words.add("burst " + rates.path("burstMillis").asLong() + "ms");
        return String.join(", ", words);
    }

    private static void addIops(List<String> words, JsonNode rates, String field, String what) {
        if (rates.path(field).asLong() > 0) {
            words.add(rates.path(field).asLong() + " " + what + "iops");
        }
    }

    private static void addBandwidth(List<String> words, JsonNode rates, String field, String what) {
        if (rates.path(field).asLong() > 0) {
            words.add(Quantity.text(rates.path(field).asLong()) + "/s" + what);
        }
    }
}
