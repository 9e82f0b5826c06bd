package dev.gossamer.daemon.cli.doctor;

import dev.gossamer.daemon.config.ClientsConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.Quantity;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixFiles;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Looks at a pool's directory, its files and what is below them; opens nothing that somebody may be using. */
public final class PoolCheckup {
    /** What is in memory, or forgets what it was told to keep. */
    private static final Set<String> VOLATILE = Set.of("tmpfs", "ramfs");

    /** Locks and flushes there are what the server makes of them. */
    private static final Set<String> NETWORK = Set.of("nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuseblk");

    private final PoolDirectory pool;
    private final Path root;

    /** @param root of the file system with {@code sys}; tests replace it */
    public PoolCheckup(PoolDirectory pool, Path root) {
        this.pool = pool;
        this.root = root;
    }

    public List<Finding> look() {
        List<Finding> findings = new ArrayList<>();
        PoolConfig config;
        try {
            config = PoolConfig.read(pool.config());
        } catch (StorageException e) {
            findings.add(Finding.fault("pool.yaml", e.getMessage(), "correct it; nothing is served before"));
            return findings;
        }
        findings.add(Finding.fine("pool.yaml", "is understood"));
        findings.add(clients());
        findings.add(fileSystem());
        findings.addAll(device("metadata", config.metadata()));
        findings.addAll(device("data", config.data()));
        if (isLocal(config.data()) && isLocal(config.metadata())) {
            findings.add(room(config));
        }
        findings.add(socket(pool.nbdSocket()));
        findings.add(socket(pool.adminSocket()));
        findings.add(timeouts(config));
        return findings;
    }

    private Finding clients() {
        try {
            new ClientsConfig(pool.clients()).read();
            return Finding.fine("clients.yaml", Files.exists(pool.clients()) ? "is understood" : "there is none");
        } catch (StorageException e) {
            return Finding.fault("clients.yaml", e.getMessage(), "correct it; serve and reload refuse it");
        }
    }

    private Finding fileSystem() {
        try {
            String type = Files.getFileStore(pool.path()).type();
            if (VOLATILE.contains(type)) {
                return Finding.fault(
                        "file system",
                        pool + " is on " + type + ", which is gone with the power",
                        "move the pool to a disk; for trials only, with --buffered");
            }
            if (NETWORK.contains(type)) {
                return Finding.warning(
                        "file system",
                        pool + " is on " + type + ": locks and flushes are what its server makes of them",
                        "serve the pool on the machine that has the disk");
            }
            return Finding.fine("file system", type);
        } catch (IOException e) {
            return Finding.fault("file system", Reason.of(e), "check the path and who may read it");
        }
    }

    private static boolean isLocal(String device) {
        return !device.contains("://");
    }

    private List<Finding> device(String about, String name) {
        if (!isLocal(name)) {
            return List.of(Finding.fine(about, name + " is remote; 'gossamer status' says whether it answers"));
        }
        Path path = pool.resolve(name);
        if (!Files.exists(path)) {
            return List.of(Finding.fault(about, path + " is not there", "bring the device back, or correct pool.yaml"));
        }
        if (!Files.isReadable(path) || !Files.isWritable(path)) {
            return List.of(Finding.fault(
                    about, path + " may not be read and written by this user", "run this as the user that serves"));
        }
        return List.of(Files.isRegularFile(path) ? Finding.fine(about, path + " is a file") : discards(about, path));
    }

    /** Whether what is trimmed goes on to a block device below, by the kernel's word in sysfs. */
    private Finding discards(String about, Path path) {
        try {
            long number = (Long) Files.getAttribute(path, "unix:rdev");
            long major = (number >> 8) & 0xfff;
            long minor = (number & 0xff) | ((number >> 12) & 0xfff00);
            Path limit = root.resolve("sys/dev/block/" + major + ":" + minor + "/queue/discard_max_bytes");
            if (Files.exists(limit) && Files.readString(limit).strip().equals("0")) {
                return Finding.warning(
                        about,
                        path + " takes no discards: what is trimmed is free in the pool only",
                        "nothing to do if the disk has none; for LVM or dm-crypt below, allow discards there");
            }
            return Finding.fine(about, path + " is a block device");
        } catch (IOException e) {
            return Finding.warning(about, Reason.of(e), "check the device");
        }
    }

    /** What the sparse files may grow to, against what the file system below has left. */
    private Finding room(PoolConfig config) {
        try {
            long missing = 0;
            for (String name : List.of(config.data(), config.metadata())) {
                Path path = pool.resolve(name);
                if (Files.isRegularFile(path)) {
                    long size = config.space().autoExtendBytes() > 0 && name.equals(config.data())
                            ? Math.max(config.space().autoExtendBytes(), Files.size(path))
                            : Files.size(path);
                    missing += Math.max(0, size - PosixFiles.allocatedBytes(path));
                }
            }
            long free = Files.getFileStore(pool.path()).getUsableSpace();
            return missing <= free
                    ? Finding.fine("room", Quantity.text(free) + " free below the pool's files")
                    : Finding.warning(
                            "room",
                            "the pool's files may still grow by " + Quantity.text(missing) + " and have room for "
                                    + Quantity.text(free),
                            "free or add space below; what finds none there fails as if the disk were broken");
        } catch (IOException e) {
            return Finding.warning("room", Reason.of(e), "check the files");
        }
    }

    private static Finding socket(Path path) {
        String about = path.getFileName().toString();
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return Finding.fine(about, "not there: nobody serves the pool");
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(path));
            return Finding.fine(about, "somebody serves the pool");
        } catch (IOException | RuntimeException e) {
            boolean refused = String.valueOf(e.getMessage()).contains("refused");
            return refused
                    ? Finding.warning(
                            about, path + " is stale: its daemon is gone", "the next serve replaces it; start one")
                    : Finding.warning(about, path + ": " + Reason.of(e), "run this as the user that serves");
        }
    }

    /** A client that gives up before the pool does loses its connection instead of getting ENOSPC. */
    private Finding timeouts(PoolConfig config) {
        long onFull = config.space().onFullTimeout().toMillis();
        List<String> impatient = new ArrayList<>();
        try (var devices = Files.newDirectoryStream(root.resolve("sys/block"), "nbd*")) {
            for (Path device : devices) {
                Path timeout = device.resolve("queue/io_timeout");
                if (Files.exists(device.resolve("pid")) && Files.exists(timeout)) {
                    long millis = Long.parseLong(Files.readString(timeout).strip());
                    if (millis > 0 && (onFull == 0 || millis <= onFull)) {
                        impatient.add(device.getFileName() + " (" + millis / 1000 + " s)");
                    }
                }
            }
        } catch (IOException | NumberFormatException e) {
            return Finding.fine("time-outs", "no kernel clients to compare with");
        }
        return impatient.isEmpty()
                ? Finding.fine("time-outs", "writes that wait for space are waited for")
                : Finding.warning(
                        "time-outs",
                        String.join(", ", impatient) + " give up before a full pool answers"
                                + (onFull == 0 ? "" : " after " + onFull / 1000 + " s"),
                        "attach them with a longer time-out, or shorten on-full-timeout in pool.yaml");
    }
}
