package dev.gossamer.daemon.admin;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;

/**
 * A request that has found its route.
 *
 * @param names what stands in the places of the route's path, decoded
 * @param body as it came; not looked at yet
 * @param owner whether the caller may have any path opened
 */
record Ask(List<String> names, QueryStringDecoder uri, String body, boolean owner) {
    /** What stands in the only place, or the first. */
    String name() {
        return names.getFirst();
    }
}
