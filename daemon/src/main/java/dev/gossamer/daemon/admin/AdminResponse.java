package dev.gossamer.daemon.admin;

/**
 * An answer before it is put into HTTP.
 *
 * @param status HTTP status code
 * @param body text in UTF-8, empty for 204
 */
record AdminResponse(int status, String contentType, String body) {
    static final String JSON = "application/json";
    static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    static final String EVENT_STREAM = "text/event-stream";

    /** No answer but a stream: {@link EventStream} takes the connection. */
    static final AdminResponse EVENTS = new AdminResponse(200, EVENT_STREAM, "");

    /** Likewise, without the condition each second. */
    static final AdminResponse EVENTS_ALONE = new AdminResponse(200, EVENT_STREAM, "status=false");

    boolean isStream() {
        return contentType.equals(EVENT_STREAM);
    }
}
