package dev.gossamer.daemon.ui;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.admin.FailureKind;

/**
 * What a browser is answered.
 *
 * @param status HTTP status code
 * @param contentType of the body
 * @param body text; sent as UTF-8
 * @param cookie value of a {@code Set-Cookie} header, or null
 */
record UiAnswer(int status, String contentType, String body, String cookie) {
    static final int FORBIDDEN = 403;
    static final int UNAVAILABLE = 503;

    private static final String JSON = "application/json";

    static UiAnswer json(int status, String text) {
        return new UiAnswer(status, JSON, text, null);
    }

    static UiAnswer json(int status, ObjectNode node, String cookie) {
        return new UiAnswer(status, JSON, node.toString(), cookie);
    }

    /** In the words of the admin API, so that the page needs to know one form of error. */
    static UiAnswer refusal(int status, FailureKind kind, String message) {
        return json(
                status,
                JsonNodeFactory.instance.objectNode().put("error", message).put("kind", kind.word()),
                null);
    }
}
