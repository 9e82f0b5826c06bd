package dev.gossamer.daemon;

import java.util.List;

/**
 * Listening sockets that were open when this process began (X3).
 *
 * @param descriptors their numbers
 * @param allowRemote whether they may be at addresses that other machines reach
 */
public record PassedSockets(List<Integer> descriptors, boolean allowRemote) {
    public static final PassedSockets NONE = new PassedSockets(List.of(), false);

    public PassedSockets {
        descriptors = List.copyOf(descriptors);
    }
}
