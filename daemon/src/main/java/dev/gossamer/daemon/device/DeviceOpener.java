package dev.gossamer.daemon.device;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.lvm.KernelDevices;
import dev.gossamer.daemon.lvm.LvmName;
import dev.gossamer.daemon.lvm.LvmVolumes;
import dev.gossamer.daemon.remote.NbdClientDevice;
import dev.gossamer.daemon.remote.RemoteCounters;
import dev.gossamer.daemon.remote.RemoteSettings;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.access.RemoteShare;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.client.NbdUri;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/**
 * Opens what a user names as a device: the path of a file or block device, the URI of an NBD server's export ({@code
 * nbd://}, {@code nbd+unix://}, {@code nbds://}, {@code nbds+unix://}), or a volume of LVM ({@link LvmName}). The one
 * place where a name becomes a device.
 *
 * <p>For the control path, on one thread that is no loop. Devices are closed before their opener.
 */
public final class DeviceOpener implements NamedDevices, AutoCloseable {
    /** Whatever looks like a URI is taken for one, so that a wrong scheme is told and not looked for as a file. */
    private static final Pattern SCHEME = Pattern.compile("[a-z][a-z0-9+.-]*://.*");

    /** The own loop only moves other loops' requests; it never takes a buffer. */
    private static final int OWN_BUFFER_BYTES = 4096;

    private final PoolDirectory directory;
    private final RemoteSettings settings;
    private final boolean ownsLoops;
    // Null for a command, which has no clients.
    private final MemoryBudget memory;
    private final List<NbdClientDevice> remote = new CopyOnWriteArrayList<>();
    private final LvmVolumes lvm = new LvmVolumes(KernelDevices.SYSTEM);
    private volatile Duration patienceLimit;
    private IoLoops loops;

    private DeviceOpener(
            PoolDirectory directory, RemoteSettings settings, boolean ownsLoops, IoLoops loops, MemoryBudget memory) {
        this.directory = directory;
        this.settings = settings;
        this.ownsLoops = ownsLoops;
        this.memory = memory;
        this.loops = loops;
    }

    /**
     * For a daemon: requests come from these loops, and whoever else wants.
     *
     * @param directory relative paths begin there
     * @param patience how long a request waits for the server of a remote device; zero = for ever
     * @param memory what remote devices may keep counts there
     */
    public static DeviceOpener on(IoLoops loops, PoolDirectory directory, Duration patience, MemoryBudget memory) {
        return new DeviceOpener(directory, RemoteSettings.DEFAULT.withPatience(patience), false, loops, memory);
    }

    /** For a command without a daemon: starts a loop of its own if a URI needs one, until {@link #close}. */
    public static DeviceOpener standalone(PoolDirectory directory) {
        return new DeviceOpener(directory, RemoteSettings.DEFAULT, true, null, null);
    }

    /** Whether this is a path: neither an export of an NBD server nor a volume of LVM. */
    public static boolean isPath(String name) {
        return !isUri(name) && !LvmName.isLvm(name);
    }

    /** The volumes of LVM that are opened here. */
    public LvmVolumes lvm() {
        return lvm;
    }

    /** Whether this names an export of an NBD server rather than a path. */
    public static boolean isUri(String pathOrUri) {
        return SCHEME.matcher(pathOrUri).matches();
    }

    /**
     * Opens a device. A remote one is not locked against others, and {@code buffered} means nothing to it.
     *
     * @throws StorageException naming the device, what is wrong and the way out
     */
    @Override
    public BlockDevice open(String pathOrUri, OpenOptions options) throws StorageException {
        return open(pathOrUri, options, ChangeGate.OPEN);
    }

    /**
     * As the other.
     *
     * @param gate what a device asks that can lose its connection
     */
    public BlockDevice open(String pathOrUri, OpenOptions options, ChangeGate gate) throws StorageException {
        if (LvmName.isLvm(pathOrUri)) {
            return lvm.open(LvmName.parse(pathOrUri), options);
        }
        if (!isUri(pathOrUri)) {
            return PosixDevice.open(directory.resolve(pathOrUri), options);
        }
        return openRemote(pathOrUri, options, settings, gate);
    }

    /**
     * As {@link #open}, for a device without which nothing works at all: its server is waited for as long as it takes,
     * until {@link #limitPatience}.
     */
    public BlockDevice openPatient(String pathOrUri, OpenOptions options, ChangeGate gate) throws StorageException {
        return isUri(pathOrUri)
                ? openRemote(pathOrUri, options, settings.withPatience(Duration.ZERO), gate)
                : open(pathOrUri, options);
    }

    private NbdClientDevice openRemote(String uri, OpenOptions options, RemoteSettings bounds, ChangeGate gate)
            throws StorageException {
        int wanted = Math.min(loops().count(), NbdClientDevice.MAX_CONNECTIONS);
        RemoteSettings shared = bounds.sharedBy(wanted);
        NbdUri parsed = parse(uri);
        RemoteShare share = memory == null ? null : memory.take(uri, shared.connectionBytes(), wanted);
        NbdClientDevice device;
        try {
            device = NbdClientDevice.open(
                    parsed, options, loops(), share == null ? wanted : share.connections(), shared, gate);
        } catch (StorageException | RuntimeException | Error e) {
            if (share != null) {
                share.giveBack();
            }
            throw e;
        }
        if (share != null) {
            share.opened(device.connections(), device::isClosed);
        }
        remote.removeIf(NbdClientDevice::isClosed);
        remote.add(device);
        Duration limit = patienceLimit; // read after it can be found: whoever sets one looks at those that are there
        if (limit != null) {
            device.limitPatience(limit);
        }
        return device;
    }

    /** The remote devices that are open. Any thread. */
    public List<DeviceHealth> remoteDevices() {
        return remote.stream()
                .filter(device -> !device.isClosed())
                .map(DeviceOpener::health)
                .toList();
    }

    private static DeviceHealth health(NbdClientDevice device) {
        RemoteCounters counters = device.counters();
        return new DeviceHealth(
                device.toString(),
                device.stalledSeconds(),
                counters.isConnected(),
                device.keptBytes(),
                counters.reconnects(),
                counters.repeatedWrites());
    }

    /**
     * Everything is going to be closed: no request waits longer than this for its server any more, nor one of a device
     * that is opened later. Any thread.
     */
    public void limitPatience(Duration limit) {
        patienceLimit = limit;
        remote.forEach(device -> device.limitPatience(limit));
    }

    /** Reads a URI; its errors name it. */
    public static NbdUri parse(String uri) throws StorageException {
        try {
            return NbdUri.parse(uri);
        } catch (IllegalArgumentException e) {
            throw new StorageException(Errno.EINVAL, e.getMessage(), e);
        }
    }

    private IoLoops loops() throws StorageException {
        if (loops == null) {
            loops = IoLoops.start(1, IoEngineChoice.AUTO, OWN_BUFFER_BYTES);
        }
        return loops;
    }

    /** Ends the own loop, if there is one. */
    @Override
    public void close() {
        if (ownsLoops && loops != null) {
            loops.close();
        }
    }
}
