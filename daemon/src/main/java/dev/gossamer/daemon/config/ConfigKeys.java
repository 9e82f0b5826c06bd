package dev.gossamer.daemon.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.List;

/** What all keys of a configuration have in common: they are known. */
public final class ConfigKeys {
    private ConfigKeys() {}

    /** Throws {@link IllegalArgumentException}, which begins with {@code place}, if there is another key. */
    public static void requireKnown(JsonNode node, String place, List<String> known) {
        if (!node.isObject()) {
            throw new IllegalArgumentException(place + "must consist of 'key: value'");
        }
        for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        place + "unknown key '" + name + "'; known are " + String.join(", ", known));
            }
        }
    }
}
