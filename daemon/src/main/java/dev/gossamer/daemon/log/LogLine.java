package dev.gossamer.daemon.log;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.slf4j.event.Level;
import org.slf4j.helpers.MessageFormatter;

/**
 * One event of a logger, before it has a form.
 *
 * @param logger its class, without the package
 * @param pattern for SLF4J
 * @param arguments may be null
 * @param cause null if there is none
 */
@SuppressWarnings("ArrayRecordComponent") // as SLF4J gives them; nobody compares lines
record LogLine(
        Instant at, Level level, String logger, String thread, String pattern, Object[] arguments, Throwable cause) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", Locale.ROOT);

    /** What each object has, whatever a line's own values are called. */
    private static final Set<String> OURS = Set.of("ts", "level", "logger", "thread", "event", "msg", "error");

    private String message() {
        return MessageFormatter.basicArrayFormat(pattern, arguments);
    }

    /** Lines for people, a trace behind the first. */
    List<String> text(boolean withTime) {
        String head = (withTime ? TIME.format(at.atZone(ZoneId.systemDefault())) + " " : "") + "[" + thread + "] "
                + level + " " + logger + " - " + message();
        return cause == null ? List.of(head) : (head + "\n" + trace()).lines().toList();
    }

    private String trace() {
        StringWriter trace = new StringWriter();
        cause.printStackTrace(new PrintWriter(trace));
        return trace.toString();
    }

    /** One line, an object. */
    String json() {
        LogFields fields = LogFields.of(pattern, arguments);
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("ts", at.toString());
        node.put("level", level.toString().toLowerCase(Locale.ROOT));
        node.put("logger", logger);
        node.put("thread", thread);
        if (!fields.event().isEmpty()) {
            node.put("event", fields.event());
        }
        for (Map.Entry<String, Object> value : fields.values().entrySet()) {
            String name = value.getKey();
            put(node, OURS.contains(name) ? name + "_" : name, value.getValue());
        }
        node.put("msg", message());
        if (cause != null) {
            node.put("error", trace());
        }
        return node.toString();
    }

    private static void put(ObjectNode node, String name, Object value) {
        switch (value) {
            case null -> node.putNull(name);
            case Integer number -> node.put(name, number);
            case Long number -> node.put(name, number);
            case Boolean flag -> node.put(name, flag);
            default -> node.put(name, String.valueOf(value));
        }
    }
}
