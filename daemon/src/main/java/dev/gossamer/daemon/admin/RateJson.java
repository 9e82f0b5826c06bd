package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateWaits;
import java.util.List;

/** What clients may do with a volume in a second, as the API has it. */
final class RateJson {
    /** Of a request to change it, each optional; 0 = no limit. */
    static final List<String> FIELDS =
            List.of("iops", "readIops", "writeIops", "bandwidth", "readBandwidth", "writeBandwidth", "burstMillis");

    private RateJson() {}

    /** What a request asks for, of a volume that has some already. */
    static IoRates read(JsonNode object, IoRates before) {
        return new IoRates(
                AdminJson.number(object, "iops", before.iops()),
                AdminJson.number(object, "readIops", before.readIops()),
                AdminJson.number(object, "writeIops", before.writeIops()),
                AdminJson.number(object, "bandwidth", before.bandwidth()),
                AdminJson.number(object, "readBandwidth", before.readBandwidth()),
                AdminJson.number(object, "writeBandwidth", before.writeBandwidth()),
                AdminJson.number(object, "burstMillis", before.burstMillis()));
    }

    /** What is set; null: nothing is. */
    static ObjectNode json(IoRates rates, RateWaits waits) {
        if (rates.equals(IoRates.NONE)) {
            return null;
        }
        return JsonNodeFactory.instance
                .objectNode()
                .put("iops", rates.iops())
                .put("readIops", rates.readIops())
                .put("writeIops", rates.writeIops())
                .put("bandwidth", rates.bandwidth())
                .put("readBandwidth", rates.readBandwidth())
                .put("writeBandwidth", rates.writeBandwidth())
                .put("burstMillis", rates.burstMillis() == 0 ? IoRates.DEFAULT_BURST_MILLIS : rates.burstMillis())
                .put("waiting", waits.waiting())
                .put("waits", waits.commands())
                .put("waitMillis", waits.nanos() / 1_000_000);
    }
}
