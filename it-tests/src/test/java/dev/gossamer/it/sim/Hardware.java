package dev.gossamer.it.sim;

import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.it.sim.faults.Directory;
import dev.gossamer.it.sim.faults.FaultCounts;
import dev.gossamer.it.sim.faults.Heap;
import dev.gossamer.it.sim.faults.RemoteDisk;
import dev.gossamer.it.sim.faults.RemoteServer;
import dev.gossamer.it.sim.faults.SimDevice;
import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.faults.Swarm.Kind;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.load.CowDesk;
import dev.gossamer.it.sim.world.Life;
import dev.gossamer.it.sim.world.World;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** What one life of the daemon runs on: its disks, the server on which one of them may lie, and its heap. */
final class Hardware {
    private static final int DATA_PORT = 10810;
    private static final int METADATA_PORT = 10811;

    private final World world;
    private final Judge judge;
    private final FaultCounts counts;
    private final SimDevice metadata;
    private final SimDevice data;
    // Beside the pool: null if there are no classic snapshots.
    private final SimDevice origin;
    private final Directory directory;
    private final Heap heap;
    // Where the devices lie instead, if it is with somebody else's server.
    private final Remote remoteData;
    private final Remote remoteMetadata;
    private final List<Remote> remotes;

    Hardware(World world, Machine machine, Life life, int number, Swarm swarm, Judge judge, FaultCounts counts) {
        this.world = world;
        this.judge = judge;
        this.counts = counts;
        metadata = new SimDevice("metadata", 0, machine.metadata, world, life, number, swarm, counts);
        data = new SimDevice("data", 1, machine.data, world, life, number, swarm, counts);
        data.onFlushFailure(judge::dataFlushFailed);
        boolean classic = hasClassic(swarm);
        origin = classic ? new SimDevice("origin", 2, machine.origin, world, life, number, swarm, counts) : null;
        if (classic) {
            origin.onFlushFailure(judge::originFlushFailed);
        }
        directory = new Directory(world, number, swarm, counts);
        heap = new Heap(world, number, swarm, counts);
        remoteData = swarm.has(Kind.REMOTE)
                ? new Remote(
                        DATA_PORT,
                        new RemoteServer(DATA_PORT, world, life, number, machine.data, machine.power, swarm, counts),
                        judge::dataFlushFailed)
                : null;
        remoteMetadata = swarm.has(Kind.REMOTE_METADATA)
                ? new Remote(
                        METADATA_PORT,
                        new RemoteServer(
                                METADATA_PORT, world, life, number, machine.metadata, machine.power, swarm, counts),
                        () -> {})
                : null;
        remotes = Stream.of(remoteData, remoteMetadata).filter(Objects::nonNull).toList();
    }

    /** Stores in the pool have its sectors, and so would their snapshots. */
    static boolean hasClassic(Swarm swarm) {
        return swarm.has(Kind.CLASSIC) && !swarm.has(Kind.LARGE_SECTORS);
    }

    Directory directory() {
        return directory;
    }

    /** By name. */
    NamedDevices devices() {
        return (name, options) -> {
            if (!name.equals(CowDesk.DEVICE)) {
                throw new StorageException(Errno.ENOENT, name + " is not there");
            }
            return origin;
        };
    }

    /** What lies with somebody else's server can be used then. */
    CompletableFuture<Void> open(Life life) {
        return CompletableFuture.allOf(
                remotes.stream().map(remote -> remote.open(life)).toArray(CompletableFuture[]::new));
    }

    BlockDevice metadata() {
        return remoteMetadata == null ? metadata : remoteMetadata.disk;
    }

    BlockDevice data() {
        return remoteData == null ? data : remoteData.disk;
    }

    boolean hasRemoteMetadata() {
        return remoteMetadata != null;
    }

    boolean hasRemoteData() {
        return remoteData != null;
    }

    /** A device of the pool that lies with somebody else's server. */
    private final class Remote {
        private final int port;
        private final RemoteServer server;
        private final Runnable flushFailed;
        private RemoteDisk disk;

        Remote(int port, RemoteServer server, Runnable flushFailed) {
            this.port = port;
            this.server = server;
            this.flushFailed = flushFailed;
        }

        CompletableFuture<Void> open(Life life) {
            return life.connect(port)
                    .thenAccept(client ->
                            disk = new RemoteDisk(client, world, server, life.home(), flushFailed, heap::hasFailed));
        }

        /** A write that it had answered may fail when it is repeated: nobody waits for that one any more. */
        boolean hasFailed() {
            return disk != null
                    && (disk.hasFailed()
                            || server.hasFailedFlush()
                            || (server.mayFail() && disk.health().isFailed()));
        }
    }

    /** From now on nothing goes wrong. */
    void heal() {
        remotes.forEach(remote -> remote.server.heal());
        metadata.heal();
        data.heal();
        if (origin != null) {
            origin.heal();
        }
        directory.heal();
        heap.heal();
    }

    /** Whoever waited while time leapt may have lost his patience. */
    void leapt() {
        remotes.forEach(remote -> remote.server.leapt());
    }

    /** Whether anything has failed in this life so that commits may be undone: the catalog lies on the data device. */
    boolean hasFailed() {
        boolean originFailed = origin != null && origin.hasFailed();
        return originFailed
                || data.hasFailed()
                || metadata.hasFailed()
                || remotes.stream().anyMatch(Remote::hasFailed)
                || heap.hasFailed();
    }

    boolean metadataWriteHasFailed() {
        return metadata.writeHasFailed();
    }

    /** Where there was none last in this life; null: there was enough. */
    Throwable noMemory() {
        return heap.failure();
    }

    /** Whether what a loop has thrown is explained. */
    boolean explains(Throwable fault) {
        return heap.explains(fault);
    }

    /** For so long a request may take longer than anybody waits. */
    long stalledNanos() {
        boolean origins = origin != null && origin.hasStalled();
        long stalled = origins || data.hasStalled() || metadata.hasStalled() ? SimDevice.STALL_NANOS : 0;
        return stalled + remotes.size() * SimDevice.STALL_NANOS;
    }

    /** Counts a fault beside whatever is under way. */
    void countUnderWay(String fault) {
        boolean any = judge.hasPending();
        for (SimDevice device : origin == null ? List.of(metadata, data) : List.of(metadata, data, origin)) {
            for (BlockOperation operation : BlockOperation.values()) {
                if (device.underWay().getOrDefault(operation, 0) > 0) {
                    counts.count(fault, device + " " + operation);
                    any = true;
                }
            }
        }
        if (!any) {
            counts.count(fault, "nothing under way");
        }
        if (judge.hasPending()) {
            counts.count(fault, "a change of volumes");
        }
    }
}
