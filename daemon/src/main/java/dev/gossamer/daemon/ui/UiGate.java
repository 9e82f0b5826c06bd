package dev.gossamer.daemon.ui;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import java.util.List;

/**
 * Whether a request comes from our page in a browser, and not from the page of somebody else in the same browser
 * (OP-37). A name that somebody points at 127.0.0.1 shows in Host, another site in Origin and Sec-Fetch-Site. Any
 * thread.
 */
final class UiGate {
    private static final String FETCH_SITE = "Sec-Fetch-Site";

    private final String authority;
    private final String origin;

    /** @param port where this server listens, on 127.0.0.1 */
    UiGate(int port) {
        this.authority = "127.0.0.1:" + port;
        this.origin = "http://" + authority;
    }

    /** Where the page is. */
    String origin() {
        return origin;
    }

    /** Why the request is refused, for people; null if it is not. */
    String refusal(HttpRequest request) {
        HttpHeaders headers = request.headers();
        if (!headers.getAll(HttpHeaderNames.HOST).equals(List.of(authority))) {
            return "this page is at " + origin + " and under no other name; for another machine's use: ssh -L "
                    + authority.substring(authority.indexOf(':') + 1) + ":" + authority;
        }
        List<String> origins = headers.getAll(HttpHeaderNames.ORIGIN);
        if (origins.size() > 1 || (!origins.isEmpty() && !origins.getFirst().equals(origin))) {
            return "requests of other pages are not answered";
        }
        boolean reads = request.method().equals(HttpMethod.GET);
        if (!reads && origins.isEmpty()) {
            return "a change needs an Origin: only this page may ask for one";
        }
        List<String> sites = headers.getAll(FETCH_SITE);
        // "none" is an address that somebody has typed, or opened from a terminal.
        boolean ownSite = sites.isEmpty()
                || (sites.size() == 1
                        && (sites.getFirst().equals("same-origin")
                                || sites.getFirst().equals("none")));
        boolean opened = reads && request.uri().equals("/");
        // A link on another page may lead here, to the page without any data.
        if (!ownSite && !(opened && "navigate".equals(headers.get("Sec-Fetch-Mode")))) {
            return "requests of other sites are not answered";
        }
        return null;
    }
}
