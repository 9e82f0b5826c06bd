package dev.gossamer.daemon.device;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.thin.OriginOpener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a volume may be made over: files, block devices and NBD exports outside the pool, opened for reading (C-2, X-4).
 */
public final class OriginDevices implements OriginOpener {
    private final DeviceOpener opener;
    private final PoolDirectory directory;
    private final PoolConfig config;

    public OriginDevices(DeviceOpener opener, PoolDirectory directory, PoolConfig config) {
        this.opener = opener;
        this.directory = directory;
        this.config = config;
    }

    /** As it is recorded: a URI as it is, a path made absolute. */
    public String absolute(String pathOrUri) {
        return DeviceOpener.isPath(pathOrUri) ? directory.resolve(pathOrUri).toString() : pathOrUri;
    }

    @Override
    public BlockDevice open(String location) throws StorageException {
        return opener.open(location, new OpenOptions(true, config.buffered()));
    }

    /**
     * Opens what a new volume shall be over. Waits; not on a loop.
     *
     * @param own where this daemon serves its own volumes: a volume over one of them could end up over itself
     * @throws StorageException if it is part of the pool, or cannot be opened
     */
    public BlockDevice openForeign(String location, List<ListenAddress> own) throws StorageException {
        requireForeign(location, own);
        return open(location);
    }

    /**
     * Whether the daemon opens this for somebody who is not its own user, and might not be able to open it: what lies
     * in the pool's directory, and what pool.yaml names, as a device or under {@code allow-paths}. Links are looked
     * through. Waits; not on a loop.
     */
    public void requireAllowed(String location) throws StorageException {
        List<String> allowed = new ArrayList<>(config.allowPaths());
        allowed.add(directory.toString());
        allowed.add(config.data());
        allowed.add(config.metadata());
        for (String each : allowed) {
            if (!DeviceOpener.isPath(location) || !DeviceOpener.isPath(each)) {
                if (location.equals(each)) {
                    return;
                }
            } else if (real(location).startsWith(real(each))) {
                return;
            }
        }
        throw new StorageException(
                Errno.EACCES,
                location + " lies outside the pool's directory, and the daemon opens it only for its own user; allow"
                        + " more with the key 'allow-paths' in " + directory.config());
    }

    /** Where a path leads; itself, in its plain form, if nothing is there. */
    private Path real(String path) {
        Path absolute = directory.resolve(path);
        try {
            return absolute.toRealPath();
        } catch (IOException e) {
            return absolute;
        }
    }

    /** The checks of {@link #openForeign}. Waits for names to be resolved. */
    public void requireForeign(String location, List<ListenAddress> own) throws StorageException {
        if (DeviceOpener.isUri(location)) {
            NbdUri uri = DeviceOpener.parse(location);
            for (ListenAddress address : own) {
                if (isSame(uri, address)) {
                    throw new StorageException(
                            Errno.EINVAL,
                            location
                                    + " is served by this pool itself; use: gossamer snapshot create, to begin a"
                                    + " volume with the contents of another");
                }
            }
        } else if (DeviceOpener.isPath(location)) {
            refuseOwn(location, config.data(), "data");
            refuseOwn(location, config.metadata(), "metadata");
        }
    }

    private void refuseOwn(String location, String device, String role) throws StorageException {
        if (DeviceOpener.isPath(device) && isSame(Path.of(location), directory.resolve(device))) {
            throw new StorageException(
                    Errno.EINVAL,
                    location + " is the pool's own " + role + " device; an origin must lie outside the pool");
        }
    }

    private static boolean isSame(NbdUri uri, ListenAddress address) {
        return switch (address) {
            case ListenAddress.Unix unix -> uri.transport() == NbdUri.Transport.UNIX
                    && isSame(Path.of(uri.socketPath()), unix.path());
            case ListenAddress.Tcp tcp -> uri.transport() == NbdUri.Transport.TCP
                    && uri.port() == tcp.address().getPort()
                    && isHere(uri.host());
        };
    }

    private static boolean isHere(String host) {
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            // Opening it will say what is wrong with the name.
            return false;
        }
    }

    /** Symbolic and hard links are looked through; what cannot be looked at is for opening to refuse. */
    private static boolean isSame(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            return false;
        }
    }
}
