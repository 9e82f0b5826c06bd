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
}
