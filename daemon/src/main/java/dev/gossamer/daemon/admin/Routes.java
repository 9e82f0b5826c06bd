package dev.gossamer.daemon.admin;

import dev.gossamer.io.StorageException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Every method and path there is, and who answers it. {@code openapi.yaml} of the distribution describes the same,
 * which a test compares. Filled before the first request, and not changed after that.
 */
final class Routes {
    /** Carries out a request; what is wrong with it is thrown, or ends the future. */
    @FunctionalInterface
    interface Handler {
        CompletableFuture<AdminResponse> handle(Ask ask) throws StorageException;
    }

    /**
     * A method and a path.
     *
     * @param path as in {@code /v1/volumes/{name}}: what is in braces stands for a part that is a name
     * @param parameters those that may stand behind the path
     */
    record Route(String method, String path, List<String> parts, List<String> parameters, Handler handler) {
        /** What stands in the path's places; null if the path is another. */
        List<String> match(String[] asked) {
            if (asked.length != parts.size()) {
                return null;
            }
            List<String> names = new ArrayList<>(2);
            for (int i = 0; i < asked.length; i++) {
                String part = parts.get(i);
                if (part.startsWith("{")) {
                    names.add(URLDecoder.decode(asked[i].replace("+", "%2B"), StandardCharsets.UTF_8));
                } else if (!part.equals(asked[i])) {
                    return null;
                }
            }
            return names;
        }
    }

    /** A route, and what stands in its places. */
    record Found(Route route, List<String> names) {}

    private final List<Route> routes = new ArrayList<>();

    void add(String method, String path, Handler handler) {
        add(method, path, List.of(), handler);
    }

    void add(String method, String path, List<String> parameters, Handler handler) {
        routes.add(new Route(method, path, List.of(path.substring(1).split("/", -1)), parameters, handler));
    }

    List<Route> all() {
        return List.copyOf(routes);
    }

    /** The route of a request; a path that is fixed comes before one with a place. */
    Found find(String method, String path) {
        String[] asked = path.substring(1).split("/", -1);
        List<String> others = new ArrayList<>();
        for (Route route : routes) {
            List<String> names = route.match(asked);
            if (names != null && route.method().equals(method)) {
                return new Found(route, names);
            }
            if (names != null) {
                others.add(route.method());
            }
        }
        if (others.isEmpty()) {
            String shown = path.length() > 80 ? path.substring(0, 80) : path;
            throw new AdminRefusal(AdminRefusal.NOT_FOUND, "unknown path " + shown);
        }
        throw new AdminRefusal(
                AdminRefusal.METHOD_NOT_ALLOWED,
                "method " + method + " does not apply here; what does is " + String.join(", ", others));
    }
}
