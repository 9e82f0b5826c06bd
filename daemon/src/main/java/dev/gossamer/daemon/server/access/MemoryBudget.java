package dev.gossamer.daemon.server.access;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import io.netty.util.internal.PlatformDependent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The direct memory that the Java runtime allows this process (MaxDirectMemorySize), and who may have how much of it at
 * most: connections and handshakes by their limits, remote devices by what they keep. Counted in full when a limit is
 * set or a device opened, not when the memory is used, so that it never runs out on the way. The loops' transfer memory
 * comes from the system and is no part of it. Any thread.
 */
public final class MemoryBudget {
    /** An open connection with nothing under way: its input, the headers of its replies, what the ring reads. */
    public static final long CONNECTION_BYTES = 100L << 10;

    /** An unfinished handshake: an option of 128 KiB with its reader's slack, replies that wait, one receive. */
    public static final long HANDSHAKE_BYTES = 384L << 10;

    /** Answers on the admin socket, and what an allocator keeps. */
    private static final long OTHER_BYTES = 32L << 20;

    /** Parts of the whole that are left for remote devices, which may come while clients are there. */
    private static final int REMOTE_PARTS = 4;

    /** Parts of the clients' memory that handshakes may have, if nobody says how many there may be. */
    private static final int HANDSHAKE_PARTS = 3;

    /** Connections and handshakes; a process that cannot have so many is no server. */
    private static final int LEAST = 16;

    private static final String WAY_OUT =
            ", or give the process more with GOSSAMER_JAVA_OPTS=-XX:MaxDirectMemorySize=SIZE";

    private static final Logger LOG = LoggerFactory.getLogger(MemoryBudget.class);

    private record Device(long bytes, BooleanSupplier isClosed) {}

    private final long limitBytes;
    private final int listeners;
    private final List<Device> devices = new ArrayList<>();
    private long clientBytes;

    /**
     * The memory of this process.
     *
     * @param listeners each serves as many clients as the limits say
     */
    public static MemoryBudget ofThisProcess(int listeners) {
        return new MemoryBudget(PlatformDependent.maxDirectMemory(), listeners);
    }

    MemoryBudget(long limitBytes, int listeners) {
        this.limitBytes = limitBytes;
        this.listeners = listeners;
    }

    /**
     * The limits that hold from now on. Those left at their defaults are lowered to what fits.
     *
     * @throws StorageException if what was asked for does not fit; then the old limits hold
     */
    public synchronized ServerLimits fit(ServerLimits asked) throws StorageException {
        long freeBytes = limitBytes - OTHER_BYTES - Math.max(remoteBytes(), limitBytes / REMOTE_PARTS);
        long eachBytes = Math.max(0, freeBytes / listeners);
        ServerLimits standard = ServerLimits.DEFAULT;
        int handshakes = asked.handshakes();
        if (handshakes == standard.handshakes()) {
            long fitting = eachBytes / HANDSHAKE_PARTS / HANDSHAKE_BYTES;
            if (asked.connections() != standard.connections()) {
                // Connections that somebody has asked for come first.
                long besideBytes = eachBytes - asked.connections() * CONNECTION_BYTES;
                fitting = Math.min(fitting, besideBytes / (HANDSHAKE_BYTES - CONNECTION_BYTES));
            }
            handshakes = (int) Math.min(handshakes, Math.max(LEAST, fitting));
        }
        int connections = asked.connections();
        if (connections == standard.connections()) {
            long fitting = handshakes + (eachBytes - handshakes * HANDSHAKE_BYTES) / CONNECTION_BYTES;
            connections = (int) Math.min(connections, Math.max(LEAST, fitting));
        }
        ServerLimits fitted = new ServerLimits(
                connections,
                asked.connectionsPerPeer(),
                handshakes,
                asked.handshakesPerPeer(),
                asked.handshakeSeconds());
        long needed = needs(fitted);
        if (needed > eachBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    connections + " connections and " + handshakes + " handshakes at each of " + listeners
                            + " addresses can take " + mebibytes(needed * listeners) + " MiB of direct memory, and "
                            + mebibytes(eachBytes * listeners) + " of " + mebibytes(limitBytes)
                            + " MiB are theirs; lower 'connections' and 'handshakes' in clients.yaml" + WAY_OUT);
        }
        if (!fitted.equals(asked)) {
            LOG.debug(
                    "limits lowered to what direct memory allows connections={} handshakes={} limitMiB={}",
                    connections,
                    handshakes,
                    mebibytes(limitBytes));
        }
        clientBytes = needed * listeners;
        return fitted;
    }

    private static long needs(ServerLimits limits) {
        // A handshake is a connection too.
        long handshakes = Math.min(limits.handshakes(), limits.connections());
        return handshakes * HANDSHAKE_BYTES + (limits.connections() - handshakes) * CONNECTION_BYTES;
    }

    /**
     * Counts a remote device until it is closed.
     *
     * @throws StorageException naming it if there is no room for it
     */
    public synchronized void take(String name, long bytes, BooleanSupplier isClosed) throws StorageException {
        long freeBytes = limitBytes - OTHER_BYTES - clientBytes - remoteBytes();
        if (bytes > freeBytes) {
            throw new StorageException(
                    Errno.ENOMEM,
                    name + " can take " + mebibytes(bytes) + " MiB of direct memory, and " + mebibytes(freeBytes)
                            + " of " + mebibytes(limitBytes) + " MiB are left; lower 'connections' in clients.yaml"
                            + WAY_OUT);
        }
        devices.add(new Device(bytes, isClosed));
    }

    private long remoteBytes() {
        devices.removeIf(device -> device.isClosed.getAsBoolean());
        return devices.stream().mapToLong(Device::bytes).sum();
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }
}
