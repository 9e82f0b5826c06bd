package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.lvm.LvmName;
import dev.gossamer.daemon.lvm.LvmPool;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.lvm.FoundGroup;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.OpenOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A device that a tool works on, by the name that the user gave (OT-1): a file, a block device, a pool directory of
 * ours, the URI of an NBD export, or a volume of LVM. The one place where a tool's argument becomes a device.
 */
final class ToolInput implements AutoCloseable {
    /** Which of a pool's two devices a pool directory stands for. */
    enum Role {
        METADATA,
        DATA
    }

    /** What is going to be done with it. */
    enum Access {
        /** Looked at while nobody changes it: refused while it is in use. */
        READ,
        /** Looked at although somebody may be changing it: a metadata snapshot's trees, which stay. */
        READ_SHARED,
        WRITE
    }

    /** Two transfers of a mebibyte, and single blocks beside them. */
    private static final int BUFFER_BYTES = 4 << 20;

    private final String name;
    private final DeviceOpener opener;
    private final boolean ownsOpener;
    private final BlockDevice device;
    private final IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES);
    private final BlockingIo io;

    private ToolInput(String name, DeviceOpener opener, boolean ownsOpener, BlockDevice device) {
        this.name = name;
        this.opener = opener;
        this.ownsOpener = ownsOpener;
        this.device = device;
        this.io = new BlockingIo(device, new InlineLoop(new InlineFileEngine(), buffers));
    }

    /**
     * Opens a device.
     *
     * @throws StorageException EBUSY while it is in use, else what is wrong with the name, and the way out
     */
    static ToolInput open(String name, Role role, Access access) throws StorageException {
        DeviceOpener opener = DeviceOpener.standalone(new PoolDirectory(Path.of(isPoolDirectory(name) ? name : "")));
        try {
            return new ToolInput(name, opener, true, open(opener, name, role, access));
        } catch (StorageException | RuntimeException e) {
            opener.close();
            throw e;
        }
    }

    /**
     * Opens another device of the same pool: of LVM's both may lie on one disk, which the first has opened for writing
     * if any of them writes. Closed before this one.
     */
    ToolInput sibling(String other, Role role, Access access) throws StorageException {
        return new ToolInput(other, opener, false, open(opener, other, role, access));
    }

    private static BlockDevice open(DeviceOpener opener, String name, Role role, Access access)
            throws StorageException {
        String deviceName = name;
        if (isPoolDirectory(name)) {
            PoolDirectory directory = new PoolDirectory(Path.of(name));
            PoolConfig config = PoolConfig.read(directory.config());
            String ofPool = role == Role.METADATA ? config.metadata() : config.data();
            deviceName = DeviceOpener.isPath(ofPool) ? directory.resolve(ofPool).toString() : ofPool;
        } else if (isVolumeOfLvm(name)) {
            deviceName = LvmName.of(name, List.of(), false, false).toString();
        }
        if (role == Role.DATA && LvmName.isLvm(deviceName)) {
            deviceName = LvmPool.find(opener.lvm(), deviceName).data().toString();
        }
        return opener.open(deviceName, options(access));
    }

    static boolean isPoolDirectory(String name) {
        return DeviceOpener.isPath(name) && Files.isDirectory(Path.of(name));
    }

    /** {@code VG/LV}, as LVM's own commands have it, where no file has this name. */
    private static boolean isVolumeOfLvm(String name) {
        return name.matches("[^/:]+/[^/]+")
                && !Files.exists(Path.of(name))
                && !Files.exists(Path.of(name).getParent());
    }

    private static OpenOptions options(Access access) {
        return new OpenOptions(
                access != Access.WRITE,
                true,
                access == Access.READ_SHARED ? OpenOptions.Others.ANY : OpenOptions.Others.NO_HOLDERS);
    }

    /** Whether the name stands for a whole pool, and not for one device. */
    boolean isPool() {
        return isPoolDirectory(name) || isOfLvm();
    }

    private boolean isOfLvm() {
        return LvmName.isLvm(name) || isVolumeOfLvm(name);
    }

    /** The names that LVM has for a pool's volumes, by device id; none of a pool that is not LVM's. */
    Map<Long, String> namesOfLvm() throws StorageException {
        Map<Long, String> names = new HashMap<>();
        volumesOfLvm().forEach(volume -> names.put((long) volume.deviceId(), volume.name()));
        return names;
    }

    /** What LVM has volumes over, by device id. */
    Map<Long, String> originsOfLvm() throws StorageException {
        Map<Long, String> origins = new HashMap<>();
        volumesOfLvm().stream()
                .filter(volume -> !volume.externalOrigin().isEmpty())
                .forEach(volume -> origins.put((long) volume.deviceId(), volume.externalOrigin()));
        return origins;
    }

    private List<FoundGroup.ThinVolume> volumesOfLvm() throws StorageException {
        LvmPool pool = poolOfLvm();
        return pool == null ? List.of() : pool.volumes();
    }

    /** What LVM says of the pool; null: it is none of LVM's. */
    LvmPool poolOfLvm() throws StorageException {
        if (!isOfLvm()) {
            return null;
        }
        String pool = LvmName.isLvm(name)
                ? name
                : LvmName.of(name, List.of(), false, false).toString();
        return opener.lvm().poolOrNull(LvmName.parse(pool));
    }

    /** Whether a file is this device, or the other one of the same pool directory. */
    boolean isFile(Path file) throws IOException {
        for (Path device : paths()) {
            if (Files.exists(file) && Files.exists(device) && Files.isSameFile(file, device)) {
                return true;
            }
        }
        return false;
    }

    private List<Path> paths() throws StorageException {
        if (!isPoolDirectory(name)) {
            return DeviceOpener.isPath(name) ? List.of(Path.of(name)) : List.of();
        }
        PoolDirectory directory = new PoolDirectory(Path.of(name));
        PoolConfig config = PoolConfig.read(directory.config());
        return Stream.of(config.metadata(), config.data())
                .filter(DeviceOpener::isPath)
                .map(directory::resolve)
                .toList();
    }

    /** As the user named it. */
    String name() {
        return name;
    }

    /** For the thread that opened it. */
    BlockingIo io() {
        return io;
    }

    @Override
    public void close() {
        device.close();
        if (ownsOpener) {
            opener.close();
        }
        buffers.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
