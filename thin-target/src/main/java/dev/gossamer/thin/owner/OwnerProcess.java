package dev.gossamer.thin.owner;

import java.util.UUID;

/**
 * A process that owns a pool, as others can tell it from all other processes.
 *
 * @param hostId of the machine, for people: cloned machines may share it
 * @param bootId of this run of its kernel; no two have the same
 * @param pidNamespace in which {@code pid} counts: containers of one machine do not see each other's processes
 * @param startTicks when the process began, in the kernel's clock ticks since the boot: a number is given out again
 * @param text the machine's name, and whatever else helps to find it; at most 256 bytes are kept
 */
public record OwnerProcess(UUID hostId, UUID bootId, long pidNamespace, long pid, long startTicks, String text) {
    /** Whether both run, or ran, where one could see the other. */
    public boolean isNeighbourOf(OwnerProcess other) {
        return bootId.equals(other.bootId) && pidNamespace == other.pidNamespace;
    }
}
