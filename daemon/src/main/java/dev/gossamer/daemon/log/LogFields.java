package dev.gossamer.daemon.log;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The values of a log line by their names, which stand before them in the line's pattern: {@code "export opened
 * name={} peer={}"} has {@code name} and {@code peer}. Read from the pattern and never from the finished line: what a
 * client has chosen the words of makes no field.
 */
final class LogFields {
    private static final String PLACE = "{}";

    private final Map<String, Object> values = new LinkedHashMap<>();
    private String event = "";

    private LogFields() {}

    /** @param arguments may be null */
    static LogFields of(String pattern, Object[] arguments) {
        LogFields fields = new LogFields();
        int from = 0;
        int count = arguments == null ? 0 : arguments.length;
        for (int i = 0; i < count; i++) {
            int place = pattern.indexOf(PLACE, from);
            if (place < 0) {
                break;
            }
            fields.add(pattern, from, place, arguments[i]);
            from = place + PLACE.length();
        }
        return fields;
    }

    private void add(String pattern, int from, int place, Object value) {
        int end = place > from && pattern.charAt(place - 1) == '"' ? place - 1 : place;
        if (end <= from || pattern.charAt(end - 1) != '=') {
            return;
        }
        int begin = end - 1;
        while (begin > from && isOfAName(pattern.charAt(begin - 1))) {
            begin--;
        }
        String name = pattern.substring(begin, end - 1);
        if (name.isEmpty()) {
            return;
        }
        if (values.isEmpty()) {
            event = pattern.substring(0, begin).strip().toLowerCase(Locale.ROOT).replace(' ', '-');
        }
        values.putIfAbsent(name, value);
    }

    private static boolean isOfAName(char c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '-';
    }

    /** What the line is about, from the constant words before its first value; empty if there are none. */
    String event() {
        return event;
    }

    Map<String, Object> values() {
        return values;
    }
}
