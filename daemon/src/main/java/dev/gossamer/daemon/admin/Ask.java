package dev.gossamer.daemon.admin;

import java.util.List;
import java.util.Map;

/**
 * A request that has found its route.
 *
 * @param names what stands in the places of the route's path, decoded
 * @param parameters those of the route's that were given, each once
 * @param body as it came; not looked at yet
 * @param owner whether the caller may have any path opened
 */
record Ask(List<String> names, Map<String, String> parameters, String body, boolean owner) {
    /** What stands in the only place, or the first. */
    String name() {
        return names.getFirst();
    }

    /** A parameter that is true or false. */
    boolean flag(String name, boolean otherwise) {
        return switch (parameters.getOrDefault(name, Boolean.toString(otherwise))) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'" + name + "' must be true or false");
        };
    }
}
