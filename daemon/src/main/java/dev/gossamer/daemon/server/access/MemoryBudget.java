package dev.gossamer.daemon.server.access;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.Processes;
import io.netty.util.internal.PlatformDependent;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The direct memory that the Java runtime allows this process (MaxDirectMemorySize), and who may have how much of it at
 * most: connections and handshakes by their limits, remote devices by what they keep; and of connections the
 * descriptors that the system allows, one each, and their part of the heap. Counted in full when a limit is set or a
 * device opened, not when the memory is used, so that it never runs out on the way; of limits that are lowered what the
 * clients keep who are there counts until they leave. The loops' transfer memory comes
 * from the system and is no part of it. Any thread.
 */
public final class MemoryBudget {
    /** A connection on a ring: its input, and the headers of its replies with all under way that may be. */
    public static final long CONNECTION_BYTES = 120L << 10;

    /**
     * A connection on a channel: what was received, what TLS keeps of it and has decrypted, headers, and what is on its
     * way through the channel, for TLS a copy.
     */
    public static final long CHANNEL_BYTES = 256L << 10;

    /** An unfinished handshake: an option of 128 KiB with its reader's slack, replies that wait, one receive. */
    public static final long HANDSHAKE_BYTES = 384L << 10;

    /** What TLS adds to that: what it has received of a record, and replies encrypted. */
    public static final long TLS_HANDSHAKE_BYTES = HANDSHAKE_BYTES + (64L << 10);

    /** What a connection takes of the heap, however far it has come, encrypted or not; idle ones were measured. */
    public static final long HEAP_BYTES = 12L << 10;

    /** Parts of the heap; the rest is for what pools and jobs keep there. */
    private static final int HEAP_PARTS = 4;

    /** Answers on the admin socket, and what an allocator keeps. */
    private static final long OTHER_BYTES = 32L << 20;

    /** Devices, rings, files of the runtime, clients of the admin socket, connections that change to a ring. */
    private static final long OTHER_DESCRIPTORS = 192;

    /** Parts of the whole that are left for remote devices, which may come while clients are there. */
    private static final int REMOTE_PARTS = 4;

    /** Left for remote devices that are opened later, each with fewer connections than the one before. */
    private static final long LATER_BYTES = 64L << 20;

    /** Parts of the whole, if that is less. */
    private static final int LATER_PARTS = 8;

    /** Parts of the clients' memory that handshakes may have, if nobody says how many there may be. */
    private static final int HANDSHAKE_PARTS = 3;

    /** Connections and handshakes; a process that cannot have so many is no server. */
    private static final int LEAST = 16;

    private static final String WAY_OUT =
            ", or give the process more with GOSSAMER_JAVA_OPTS=-XX:MaxDirectMemorySize=SIZE";

    private static final Logger LOG = LoggerFactory.getLogger(MemoryBudget.class);

    /**
     * What a client can take.
     *
     * @param connectionBytes in transmission, with the most that it may have under way
     * @param handshakeBytes before
     */
    record Cost(long connectionBytes, long handshakeBytes) {
        static final Cost ON_RING = new Cost(CONNECTION_BYTES, HANDSHAKE_BYTES);

        /**
         * On loops with a ring or without, to clients that may encrypt or not.
         *
         * @param ring connections are on a ring, unless they are encrypted
         */
        static Cost of(boolean ring, boolean tls) {
            return new Cost(
                    ring && !tls ? CONNECTION_BYTES : CHANNEL_BYTES, tls ? TLS_HANDSHAKE_BYTES : HANDSHAKE_BYTES);
        }
    }

    private final long limitBytes;
    private final long heapBytes;
    private final long descriptors;
    private final int listeners;
    private final Cost each;
    private final List<RemoteShare> devices = new ArrayList<>();
    private long clientBytes;
    // What limits need that are not in force yet.
    private long fittingBytes;
    private Clients present = Clients.NONE;

    /**
     * The memory of this process.
     *
     * @param listeners each serves as many clients as the limits say
     * @param ring whether the loops have one
     * @param tls whether clients may encrypt
     */
    public static MemoryBudget ofThisProcess(int listeners, boolean ring, boolean tls) {
        long descriptors = Math.max(0, Processes.descriptorLimit() - OTHER_DESCRIPTORS);
        long heapBytes = Runtime.getRuntime().maxMemory();
        return new MemoryBudget(
                PlatformDependent.maxDirectMemory(), heapBytes, descriptors, listeners, Cost.of(ring, tls));
    }

    MemoryBudget(long limitBytes, long heapBytes, long descriptors, int listeners, Cost each) {
        this.limitBytes = limitBytes;
        this.heapBytes = heapBytes / HEAP_PARTS;
        this.descriptors = descriptors;
        this.listeners = listeners;
        this.each = each;
    }

    /** Direct memory that the process has taken, pools of an allocator included. */
    public static long directUsedBytes() {
        return PlatformDependent.usedDirectMemory();
    }

    /** And may take. */
    public static long directLimitBytes() {
        return PlatformDependent.maxDirectMemory();
    }

    /** Those who are there, at all addresses together. Any thread. */
    public interface Clients {
        /** Nobody is. */
        Clients NONE = new Clients() {
            @Override
            public int connections() {
                return 0;
            }

            @Override
            public int handshakes() {
                return 0;
            }
        };

        /** Handshakes among them. */
        int connections();

        int handshakes();
    }

    /** From now on these count, whatever the limits have become. */
    public synchronized void watch(Clients clients) {
        present = clients;
    }

    /** What clients have or may have. */
    private long takenByClients() {
        long handshakes = present.handshakes();
        long presentBytes = handshakes * each.handshakeBytes
                + Math.max(0, present.connections() - handshakes) * each.connectionBytes;
        return Math.max(presentBytes, Math.max(clientBytes, fittingBytes));
    }

    /** Limits for which there is memory, beside those in force, until one of the two is called. */
    public final class Fitted {
        private final ServerLimits limits;
        private final long bytes;

        private Fitted(ServerLimits limits, long bytes) {
            this.limits = limits;
            this.bytes = bytes;
        }

        public ServerLimits limits() {
            return limits;
        }

        /** They are in force. */
        public void use() {
            hold(bytes);
        }

        /** They are not; the old ones are. */
        public void giveUp() {
            hold(-1);
        }
    }

    private synchronized void hold(long bytes) {
        clientBytes = bytes < 0 ? clientBytes : bytes;
        fittingBytes = 0;
    }

    /**
     * The limits that may hold from now on. Those left at their defaults are lowered to what fits.
     *
     * @throws StorageException if what was asked for does not fit
     */
    public synchronized Fitted fit(ServerLimits asked) throws StorageException {
        long freeBytes = limitBytes - OTHER_BYTES - Math.max(remoteBytes() + laterBytes(), limitBytes / REMOTE_PARTS);
        long eachBytes = Math.max(0, freeBytes / listeners);
        int handshakes = handshakes(asked, eachBytes);
        int connections = connections(asked, handshakes, eachBytes);
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
        if (connections > descriptors / listeners) {
            throw new StorageException(
                    Errno.EINVAL,
                    connections + " connections at each of " + listeners + " addresses need a descriptor each, and "
                            + descriptors + " are left for them; lower 'connections' in clients.yaml, or raise the"
                            + " limit of open files: ulimit -n, or LimitNOFILE in the unit");
        }
        if (connections > heapBytes / HEAP_BYTES / listeners) {
            throw new StorageException(
                    Errno.EINVAL,
                    connections + " connections at each of " + listeners + " addresses can take "
                            + mebibytes(connections * HEAP_BYTES * listeners) + " MiB of heap, and "
                            + mebibytes(heapBytes) + " MiB are theirs; lower 'connections' in clients.yaml, or give"
                            + " the process more with GOSSAMER_JAVA_OPTS=-XmxSIZE");
        }
        if (!fitted.equals(asked)) {
            LOG.debug(
                    "limits lowered to what memory and descriptors allow connections={} handshakes={} " + "limitMiB={}",
                    connections,
                    handshakes,
                    mebibytes(limitBytes));
        }
        fittingBytes = needed * listeners;
        return new Fitted(fitted, fittingBytes);
    }

    private int handshakes(ServerLimits asked, long eachBytes) {
        if (asked.handshakes() != ServerLimits.DEFAULT.handshakes()) {
            return asked.handshakes();
        }
        long fitting = eachBytes / HANDSHAKE_PARTS / each.handshakeBytes;
        if (asked.connections() != ServerLimits.DEFAULT.connections()) {
            // Connections that somebody has asked for come first.
            long besideBytes = eachBytes - asked.connections() * each.connectionBytes;
            fitting = Math.min(fitting, besideBytes / (each.handshakeBytes - each.connectionBytes));
        }
        return (int) Math.min(asked.handshakes(), Math.max(LEAST, fitting));
    }

    private int connections(ServerLimits asked, int handshakes, long eachBytes) {
        if (asked.connections() != ServerLimits.DEFAULT.connections()) {
            return asked.connections();
        }
        long fitting = handshakes + (eachBytes - handshakes * each.handshakeBytes) / each.connectionBytes;
        fitting = Math.min(fitting, Math.min(descriptors, heapBytes / HEAP_BYTES) / listeners);
        return (int) Math.min(asked.connections(), Math.max(LEAST, fitting));
    }

    private long needs(ServerLimits limits) {
        // A handshake is a connection too.
        long handshakes = Math.min(limits.handshakes(), limits.connections());
        return handshakes * each.handshakeBytes + (limits.connections() - handshakes) * each.connectionBytes;
    }

    /**
     * Counts a remote device that is about to be opened, until it is closed. It gets no more than half of what is left,
     * beside its first connection, so that others can follow.
     *
     * @param connectionBytes what each connection may keep
     * @param connections as many as it would like
     * @throws StorageException naming it if there is no room for a single connection
     */
    public synchronized RemoteShare take(String name, long connectionBytes, int connections) throws StorageException {
        long freeBytes = limitBytes - OTHER_BYTES - takenByClients() - remoteBytes();
        if (connectionBytes > freeBytes) {
            throw new StorageException(
                    Errno.ENOMEM,
                    name + " can take " + mebibytes(connectionBytes) + " MiB of direct memory, and "
                            + mebibytes(freeBytes) + " of " + mebibytes(limitBytes)
                            + " MiB are left; lower 'connections' in clients.yaml" + WAY_OUT);
        }
        int granted = Math.clamp(freeBytes / 2 / connectionBytes, 1, connections);
        if (granted < connections) {
            LOG.warn(
                    "{}: {} of {} connections, as {} of {} MiB of direct memory are left; lower 'connections' in "
                            + "clients.yaml{}",
                    name,
                    granted,
                    connections,
                    mebibytes(freeBytes),
                    mebibytes(limitBytes),
                    WAY_OUT);
        }
        RemoteShare share = new RemoteShare(connectionBytes, granted);
        devices.add(share);
        return share;
    }

    private long laterBytes() {
        return Math.min(LATER_BYTES, limitBytes / LATER_PARTS);
    }

    private long remoteBytes() {
        devices.removeIf(RemoteShare::isClosed);
        return devices.stream().mapToLong(RemoteShare::bytes).sum();
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }
}
