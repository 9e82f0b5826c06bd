package dev.gossamer.daemon.device;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.Admission;
import dev.gossamer.io.posix.DeviceIdentity;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdText;
import dev.gossamer.thin.OriginOpener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a volume may be made over: files, block devices and NBD exports outside the pool, opened for reading (C-2, X-4).
 */
public final class OriginDevices implements OriginOpener {
    /** What no path begins with that leads somewhere. */
    private static final Path NOWHERE = Path.of("");

    private final NamedDevices opener;
    private final PoolDirectory directory;
    private final PoolConfig config;

    public OriginDevices(NamedDevices opener, PoolDirectory directory, PoolConfig config) {
        this.opener = opener;
        this.directory = directory;
        this.config = config;
    }

    /** As it is recorded: a URI as it is, a path made absolute. */
    public String absolute(String pathOrUri) {
        return DeviceOpener.isPath(pathOrUri) ? directory.resolve(pathOrUri).toString() : pathOrUri;
    }

    /** What a volume is over already, or LVM says that it is: it is compared with what is known of it. */
    @Override
    public BlockDevice open(String location) throws StorageException {
        return open(location, new Asking(true, List.of()));
    }

    /** On a thread of its own, as {@link OpenerThreads} are; the pool asks for a few at a time. */
    @Override
    public void execute(Runnable opening) {
        Thread.ofPlatform().daemon().name("gossamer-origin").start(opening);
    }

    /**
     * Opens what a new volume shall be over.
     *
     * @param asking who asks
     */
    public BlockDevice open(String location, Asking asking) throws StorageException {
        return open(location, new OpenOptions(true, config.buffered()), asking);
    }

    /**
     * Who has a device opened.
     *
     * @param anyPath whether that is the daemon's own user, who may have what the daemon may
     * @param own where this daemon serves its own volumes: one over another could end up over itself
     */
    public record Asking(boolean anyPath, List<ListenAddress> own) {}

    /**
     * Opens what somebody has named, for a volume or classic snapshots. Others than the daemon's own user might not be
     * able to open it: for them it must be what lies in the pool's directory, or what pool.yaml names, as a device or
     * under {@code allow-paths}. That is asked of the name first, so that nobody learns what is there, and then of what
     * it has led to, which alone is opened. Waits; not on a loop.
     *
     * @throws StorageException if that is not allowed, is part of the pool, or cannot be opened
     */
    public BlockDevice open(String location, OpenOptions options, Asking asking) throws StorageException {
        requireShown(location);
        List<Path> allowed = asking.anyPath() ? null : allowedFor(location);
        refuseOwn(location, asking.own());
        return opener.open(location, options.withAdmission(new OthersOnly(location, allowed, asking.own())));
    }

    /** What the name leads to, when it is opened, must be another's, and where those who may not have all may look. */
    private final class OthersOnly implements Admission {
        private final String location;
        private final List<Path> allowed;
        private final List<ListenAddress> own;

        /** @param allowed null: everywhere */
        OthersOnly(String location, List<Path> allowed, List<ListenAddress> own) {
            this.location = location;
            this.allowed = allowed;
            this.own = own;
        }

        @Override
        public void admit(Path real, DeviceIdentity identity) throws StorageException {
            if (allowed != null && allowed.stream().noneMatch(real::startsWith)) {
                throw notAllowed(location);
            }
            refuseOwn(location, identity);
        }

        @Override
        public void admit(SocketAddress server) throws StorageException {
            for (ListenAddress address : own) {
                if (address instanceof ListenAddress.Tcp tcp
                        && server instanceof InetSocketAddress tcpServer
                        && tcpServer.getPort() == tcp.address().getPort()
                        && isHere(tcpServer.getAddress())) {
                    throw servedHere(location);
                }
            }
        }
    }

    /** It stands in log lines, tables and answers from then on, and must not look like more than one of them. */
    private static void requireShown(String location) throws StorageException {
        String shown = NbdText.shown(location, NbdText.LIMIT_BYTES);
        if (!shown.equals(location)) {
            throw new StorageException(
                    Errno.EINVAL,
                    NbdText.echo(location) + " has characters that cannot be shown, or too many; use another name, for"
                            + " example a symbolic link");
        }
    }

    /** Where what others name may lie, if this name may be such a place; of a name that is no path, nothing. */
    private List<Path> allowedFor(String location) throws StorageException {
        List<String> names = new ArrayList<>(config.allowPaths());
        names.add(directory.toString());
        names.add(config.data());
        names.add(config.metadata());
        if (!DeviceOpener.isPath(location)) {
            if (!names.contains(location)) {
                throw notAllowed(location);
            }
            return List.of();
        }
        List<Path> allowed = names.stream()
                .filter(DeviceOpener::isPath)
                .map(this::real)
                .filter(path -> !path.equals(NOWHERE))
                .toList();
        if (allowed.stream().noneMatch(real(location)::startsWith)) {
            throw notAllowed(location);
        }
        return allowed;
    }

    private StorageException notAllowed(String location) {
        return new StorageException(
                Errno.EACCES,
                location + " lies outside the pool's directory, and the daemon opens it only for its own user; allow"
                        + " more with the key 'allow-paths' in " + directory.config());
    }

    /**
     * Where a path leads; if nothing is there, where it would be made. A link to nothing leads out of everywhere: of
     * one to something that is not allowed the refusal is the same, so that nobody finds out what there is.
     */
    private Path real(String path) {
        Path absolute = directory.resolve(path);
        try {
            return absolute.toRealPath();
        } catch (IOException nothingThere) {
            return Files.isSymbolicLink(absolute) ? NOWHERE : parentOf(absolute);
        }
    }

    private static Path parentOf(Path absolute) {
        try {
            return absolute.getParent().toRealPath().resolve(absolute.getFileName());
        } catch (IOException | RuntimeException e) {
            return NOWHERE;
        }
    }

    private void refuseOwn(String name, List<ListenAddress> own) throws StorageException {
        if (DeviceOpener.isUri(name)) {
            NbdUri uri = DeviceOpener.parse(name);
            for (ListenAddress address : own) {
                if (address instanceof ListenAddress.Unix unix
                        && uri.transport() == NbdUri.Transport.UNIX
                        && isSame(uri.socketPath(), unix.path())) {
                    throw servedHere(name);
                }
            }
        } else if (name.equals(config.data()) || name.equals(config.metadata())) {
            throw poolsOwn(name, name.equals(config.data()) ? "data" : "metadata");
        }
    }

    private static StorageException servedHere(String name) {
        return new StorageException(
                Errno.EINVAL,
                name + " is served by this pool itself; use: gossamer snapshot create, to begin a volume with the"
                        + " contents of another");
    }

    /** Whatever it is called. */
    private void refuseOwn(String location, DeviceIdentity identity) throws StorageException {
        if (isOwn(config.data(), identity)) {
            throw poolsOwn(location, "data");
        }
        if (isOwn(config.metadata(), identity)) {
            throw poolsOwn(location, "metadata");
        }
    }

    private boolean isOwn(String device, DeviceIdentity identity) {
        return DeviceOpener.isPath(device) && identity.equals(DeviceIdentity.of(directory.resolve(device)));
    }

    private static StorageException poolsOwn(String location, String role) {
        return new StorageException(
                Errno.EINVAL, location + " is the pool's own " + role + " device; an origin must lie outside the pool");
    }

    private static boolean isHere(InetAddress address) {
        try {
            return address.isLoopbackAddress()
                    || address.isAnyLocalAddress()
                    || NetworkInterface.getByInetAddress(address) != null;
        } catch (IOException e) {
            return false; // Without interfaces nobody can be reached anyway.
        }
    }

    /** Symbolic and hard links are looked through; what cannot be looked at is for opening to refuse. */
    private static boolean isSame(String one, Path other) {
        try {
            return Files.isSameFile(Path.of(one), other);
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }
}
