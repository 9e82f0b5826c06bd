package dev.gossamer.daemon;

import java.util.List;

/**
 * Listening sockets that were open when this process began (X3).
 *
 * @param descriptors their numbers
 * @param allowRemote whether they may be at addresses that other machines reach
 * @param persistent whether they are served on when whoever passed them is gone
 */
public record PassedSockets(List<Integer> descriptors, boolean allowRemote, boolean persistent) {
    public static final PassedSockets NONE = new PassedSockets(List.of(), false, false);

    public PassedSockets {
        descriptors = List.copyOf(descriptors);
    }

    public boolean isEmpty() {
        return descriptors.isEmpty();
    }
}
