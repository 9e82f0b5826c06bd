package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import dev.gossamer.nbd.client.NbdUri;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attaches and detaches. What fails leaves nothing half attached: all that can be known is looked at first, and what
 * was done is undone. For root, on this machine.
 */
public final class Attacher {
    /** What the file systems that people use have; a request is at least so large. */
    private static final int BLOCK_BYTES = 4096;

    private static final int SECTOR_BYTES = 512;
    private static final long DEVICE_SECONDS = 10;

    private Attacher() {}

    /**
     * What shall be done.
     *
     * @param uri of the export
     * @param index of the device, or negative for one that is free
     * @param mkfs type of the file system to make, or empty
     * @param mount where to mount it, or empty
     * @param timeoutSeconds after which the kernel sends a request again
     * @param deadSeconds how long requests wait for the server to come back
     */
    public record Wish(NbdUri uri, int index, String mkfs, String mount, int timeoutSeconds, int deadSeconds) {}

    /** Attaches; the device has no keeper yet. */
    public static Attachment attach(Wish wish) throws StorageException {
        checkFirst(wish);
        try (ServerConnection server = ServerConnection.open(wish.uri())) {
            checkServer(wish, server);
            return attach(wish, server);
        }
    }

    private static Attachment attach(Wish wish, ServerConnection server) throws StorageException {
        try (NbdKernel kernel = kernel()) {
            Attachment wanted = attachment(wish, Math.max(0, wish.index()), server);
            Attachment made = attachment(wish, connect(kernel, wish, wanted, server), server);
            boolean done = false;
            try {
                made.write(Attachment.DIRECTORY);
                Machine.awaitDevice(made.index(), usableBytes(server.sizeBytes()), DEVICE_SECONDS);
                makeFileSystem(made, wish.mkfs());
                if (!wish.mount().isEmpty()) {
                    made = mount(made, wish.mount(), server.isReadOnly());
                }
                done = true;
                return made;
            } finally {
                if (!done) {
                    undo(kernel, made);
                }
            }
        }
    }

    private static Attachment attachment(Wish wish, int index, ServerConnection server) {
        return new Attachment(
                index, wish.uri().toString(), server.identity(), "", wish.timeoutSeconds(), wish.deadSeconds(), 0);
    }

    private static void checkServer(Wish wish, ServerConnection server) throws StorageException {
        if (wish.mkfs().isEmpty()) {
            return;
        }
        if (server.isReadOnly()) {
            throw new StorageException(Errno.EROFS, wish.uri() + " is read-only; leave --mkfs out");
        }
        // A volume tells which of its blocks it has. Of what others serve, the contents are looked at later.
        boolean tells = !server.identity().isEmpty();
        long data = tells ? Allocation.firstData(wish.uri(), server.sizeBytes()) : Allocation.NOTHING;
        if (data != Allocation.NOTHING) {
            throw overwrites("data at offset " + data);
        }
    }

    private static StorageException overwrites(String found) {
        return new StorageException(
                Errno.EEXIST,
                "the volume holds " + found + "; leave --mkfs out to use it, or make a new volume: nothing is"
                        + " overwritten");
    }

    private static void undo(NbdKernel kernel, Attachment made) {
        try {
            unmount(made);
            kernel.disconnect(made.index());
            made.remove(Attachment.DIRECTORY);
        } catch (StorageException e) {
            // The reason for undoing it is what the user has to hear.
            return;
        }
    }

    private static void checkFirst(Wish wish) throws StorageException {
        if (wish.uri().tls()) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the kernel's client speaks no TLS; attach over the pool's own socket, or use nbdfuse or qemu");
        }
        if (!wish.mkfs().isEmpty() && (!wish.mkfs().matches("[a-z0-9]{1,16}") || !Machine.has("mkfs." + wish.mkfs()))) {
            throw new StorageException(
                    Errno.ENOENT, "there is no mkfs." + wish.mkfs() + "; install it, or name another file system");
        }
        if (!wish.mount().isEmpty()) {
            if (!Files.isDirectory(Path.of(wish.mount()))) {
                throw new StorageException(Errno.ENOENT, wish.mount() + " is no directory; make it first");
            }
            if (Machine.isMountPoint(wish.mount())) {
                throw new StorageException(
                        Errno.EBUSY, wish.mount() + " has a file system mounted already; choose another directory");
            }
        }
        if (wish.index() >= 0 && Machine.isConnected(wish.index())) {
            throw new StorageException(
                    Errno.EBUSY,
                    "/dev/nbd" + wish.index() + " is in use already; leave it out for one that is free, or: gossamer"
                            + " detach /dev/nbd" + wish.index());
        }
    }

    /** Loads the module if it is not there. */
    private static NbdKernel kernel() throws StorageException {
        try {
            return NbdKernel.open();
        } catch (StorageException e) {
            if (e.errno() != Errno.ENOENT) {
                throw refused(e);
            }
        }
        try {
            Machine.run("modprobe", "nbd");
            return NbdKernel.open();
        } catch (StorageException e) {
            throw new StorageException(
                    Errno.ENODEV,
                    "this kernel has no NBD client (" + e.getMessage() + "); use nbdfuse, or qemu-nbd, or a kernel with"
                            + " the module nbd",
                    e);
        }
    }

    private static StorageException refused(StorageException e) {
        boolean denied = e.errno() == Errno.EPERM || e.errno() == Errno.EACCES;
        return denied
                ? new StorageException(Errno.EACCES, "attaching needs root (CAP_SYS_ADMIN); try with sudo", e)
                : e;
    }

    /** Whole sectors: the kernel has no device that ends within one. */
    private static long usableBytes(long sizeBytes) {
        return sizeBytes / SECTOR_BYTES * SECTOR_BYTES;
    }

    static NbdKernel.Settings settings(Attachment attachment, ServerConnection server) {
        long bytes = usableBytes(server.sizeBytes());
        return new NbdKernel.Settings(
                bytes,
                bytes % BLOCK_BYTES == 0 ? BLOCK_BYTES : SECTOR_BYTES,
                server.flags(),
                attachment.timeoutSeconds(),
                attachment.deadSeconds(),
                attachment.identifier());
    }

    private static int connect(NbdKernel kernel, Wish wish, Attachment wanted, ServerConnection server)
            throws StorageException {
        try {
            return kernel.connect(
                    wish.index() < 0 ? NbdKernel.ANY : wish.index(),
                    settings(wanted, server),
                    List.of(server.socket()));
        } catch (StorageException e) {
            if (e.errno() == Errno.EBUSY) {
                throw new StorageException(Errno.EBUSY, "the device is in use already; leave it out for a free one", e);
            }
            throw refused(e);
        }
    }

    private static void makeFileSystem(Attachment made, String type) throws StorageException {
        if (type.isEmpty()) {
            return;
        }
        String found = Contents.of(Path.of(made.device()));
        if (!found.isEmpty()) {
            throw overwrites(found);
        }
        Machine.run("mkfs." + type, made.device());
    }

    private static Attachment mount(Attachment made, String directory, boolean readOnly) throws StorageException {
        if (Contents.of(Path.of(made.device())).isEmpty()) {
            throw new StorageException(
                    Errno.EINVAL, "the volume is empty; add --mkfs ext4 to make a file system there");
        }
        if (readOnly) {
            Machine.run("mount", "-o", "ro", made.device(), directory);
        } else {
            Machine.run("mount", made.device(), directory);
        }
        Attachment mounted = made.withMount(directory);
        mounted.write(Attachment.DIRECTORY);
        return mounted;
    }

    /**
     * Gives a device that has lost its server a new connection, and the size that the export has now. Throws if the
     * server is not there, and {@link OtherVolume} if it serves what cannot stand for the volume.
     */
    static void reconnect(Attachment attachment) throws StorageException {
        try (NbdKernel kernel = NbdKernel.open();
                ServerConnection server = ServerConnection.open(NbdUri.parse(attachment.uri()))) {
            OtherVolume.refuse(attachment, server, Machine.isReadOnly(attachment.index()));
            kernel.reconfigure(attachment.index(), settings(attachment, server), List.of(server.socket()));
        }
    }

    /** Notes who keeps a device. */
    public static Attachment keptBy(Attachment attachment, long processId) throws StorageException {
        Attachment kept = attachment.withKeeper(processId);
        kept.write(Attachment.DIRECTORY);
        return kept;
    }

    /**
     * Lets devices of an export that are attached here have the size that it has now.
     *
     * @param uri as it was attached
     * @param fileSystem grows what is mounted from it as well
     */
    public static void grow(String uri, boolean fileSystem) throws StorageException {
        for (Attachment attachment : attached()) {
            if (NbdUri.parse(attachment.uri()).equals(NbdUri.parse(uri))) {
                resize(attachment);
                if (fileSystem) {
                    growFileSystem(attachment);
                }
            }
        }
    }

    private static void growFileSystem(Attachment attachment) throws StorageException {
        String mount = Machine.mountOf(attachment.device());
        String found = Contents.of(Path.of(attachment.device()));
        if (found.contains("ext4")) {
            Machine.run("resize2fs", attachment.device());
        } else if (found.contains("XFS") && !mount.isEmpty()) {
            Machine.run("xfs_growfs", mount);
        } else {
            throw new StorageException(
                    Errno.EINVAL,
                    attachment.device() + " has grown; its contents have not: "
                            + (found.isEmpty()
                                    ? "there is no file system"
                                    : found + (mount.isEmpty() ? ", not mounted" : ""))
                            + "; --resize-fs knows ext4, and XFS that is mounted");
        }
    }

    private static void resize(Attachment attachment) throws StorageException {
        try (NbdKernel kernel = NbdKernel.open();
                ServerConnection server = ServerConnection.open(NbdUri.parse(attachment.uri()))) {
            OtherVolume.refuse(attachment, server, Machine.isReadOnly(attachment.index()));
            kernel.reconfigure(attachment.index(), settings(attachment, server), List.<RawSocket>of());
        }
    }

    /**
     * Unmounts what was mounted and ends the device. What still has it then, a mount elsewhere, LVM, swap, would lose
     * its disk: that is refused.
     */
    public static void detach(Attachment attachment) throws StorageException {
        if (Machine.isConnected(attachment.index())) {
            unmount(attachment);
            new DeviceUsers().check(attachment.index());
            try (NbdKernel kernel = NbdKernel.open()) {
                kernel.disconnect(attachment.index());
            } catch (StorageException e) {
                throw refused(e);
            }
        }
        ProcessHandle.of(attachment.keeper()).filter(Keeper::isKeeper).ifPresent(ProcessHandle::destroy);
        attachment.remove(Attachment.DIRECTORY);
    }

    /** From wherever it is mounted here. */
    private static void unmount(Attachment attachment) throws StorageException {
        for (String mount = Machine.mountOf(attachment.device());
                !mount.isEmpty();
                mount = Machine.mountOf(attachment.device())) {
            Machine.run("umount", mount);
        }
    }

    /** What is attached now; records of devices that are gone are not. */
    public static List<Attachment> attached() throws StorageException {
        List<Attachment> attached = new ArrayList<>();
        for (Attachment attachment : Attachment.all(Attachment.DIRECTORY)) {
            if (Machine.isConnected(attachment.index())) {
                attached.add(attachment);
            }
        }
        return attached;
    }
}
