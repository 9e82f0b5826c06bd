package dev.gossamer.daemon.admin;

import java.util.List;

/**
 * A request that has found its route.
 *
 * @param names what stands in the places of the route's path, decoded
 * @param flag the route's parameter; null if it was not given
 * @param body as it came; not looked at yet
 * @param owner whether the caller may have any path opened
 */
record Ask(List<String> names, Boolean flag, String body, boolean owner) {
    /** What stands in the only place, or the first. */
    String name() {
        return names.getFirst();
    }

    /** Whether the parameter is there, and true. */
    boolean isSet() {
        return Boolean.TRUE.equals(flag);
    }
}
