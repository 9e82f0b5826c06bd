package dev.gossamer.daemon.lvm;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.lvm.FoundGroup;
import dev.gossamer.io.lvm.GroupFinder;
import dev.gossamer.io.lvm.VolumeOpener;
import dev.gossamer.io.lvm.format.DeviceBytes;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Logical volumes of this machine as devices. A physical volume is opened once, however many of the volumes open here
 * lie on it, and closed with the last of them. Control path; one thread at a time.
 */
public final class LvmVolumes {
    /** Labels and texts are read through this, a piece at a time. */
    private static final int BUFFER_BYTES = 1 << 20;

    /** A physical volume that open volumes lie on. */
    private static final class Held {
        final PosixDevice device;
        int users;

        Held(PosixDevice device) {
            this.device = device;
        }
    }

    private final KernelDevices kernel;
    private final Map<String, Held> held = new LinkedHashMap<>();

    public LvmVolumes(KernelDevices kernel) {
        this.kernel = kernel;
    }

    /** What is done with a group while its physical volumes can be read. */
    private interface Look<T> {
        T at(FoundGroup group) throws StorageException;
    }

    /**
     * Opens a volume; of a thin pool, its metadata.
     *
     * @param options who else may have it: unless anybody may, it must not be active
     */
    public synchronized BlockDevice open(LvmName name, OpenOptions options) throws StorageException {
        return look(name, group -> {
            FoundGroup.Pool pool = group.pool(name.volume());
            LvmName opened = pool == null ? name : name.sibling(pool.metadata());
            if (options.others() != OpenOptions.Others.ANY) {
                checkInactive(name, group);
            }
            return open(group, opened.volume(), options);
        });
    }

    /** What LVM says of a thin pool, by its own name or that of its metadata or data. */
    public LvmPool pool(LvmName name) throws StorageException {
        LvmPool pool = poolOrNull(name);
        if (pool == null) {
            throw new StorageException(
                    Errno.EINVAL, name.group() + "/" + name.volume() + " is no thin pool; lvs shows which there are");
        }
        return pool;
    }

    /** As {@link #pool}; null if the volume is something else: an old copy of a pool's metadata, say. */
    public synchronized LvmPool poolOrNull(LvmName name) throws StorageException {
        return look(name, group -> {
            FoundGroup.Pool pool = group.poolOf(name.volume());
            if (pool == null
                    || !List.of(pool.name(), pool.metadata(), pool.data()).contains(name.volume())) {
                return null;
            }
            return new LvmPool(
                    name.sibling(pool.name()), pool, group.sizeBytes(pool.data()), group.volumesOf(pool.name()));
        });
    }

    /** Refuses a pool that could be looked at and not served, for what its volumes are made of; opens none. */
    public synchronized void checkWritable(LvmPool pool) throws StorageException {
        look(pool.name(), group -> {
            VolumeOpener.checkWritable(group, pool.pool().metadata());
            VolumeOpener.checkWritable(group, pool.pool().data());
            return null;
        });
    }

    private void checkInactive(LvmName name, FoundGroup group) throws StorageException {
        if (name.assumeInactive()) {
            return;
        }
        FoundGroup.Pool pool = group.poolOf(name.volume());
        List<String> uuids = pool == null ? group.activeUuidsOf(name.volume()) : group.activeUuids(pool.name());
        if (kernel.isActive(uuids)) {
            String volume = name.group() + "/" + (pool == null ? name.volume() : pool.name());
            throw new StorageException(Errno.EBUSY, volume + " is active; run lvchange -an " + volume);
        }
    }

    private BlockDevice open(FoundGroup group, String volume, OpenOptions options) throws StorageException {
        List<String> used = new ArrayList<>();
        VolumeOpener opener = new VolumeOpener(
                group, physical -> take(physical.toString(), group, options, used), options.readOnly());
        try {
            return opener.open(volume, () -> release(used));
        } catch (StorageException | RuntimeException | Error e) {
            release(used);
            throw e;
        }
    }

    private BlockDevice take(String path, FoundGroup group, OpenOptions options, List<String> used)
            throws StorageException {
        Held device = held.get(path);
        if (device != null && device.device.geometry().readOnly() && !options.readOnly()) {
            throw new StorageException(Errno.EBUSY, path + " is open for reading here");
        }
        if (device == null) {
            device = new Held(PosixDevice.open(Path.of(path), physicalOptions(Path.of(path), group, options)));
            held.put(path, device);
        }
        if (!used.contains(path)) {
            used.add(path);
            device.users++;
        }
        return device.device;
    }

    /** Other volumes of the group may be active: then the kernel has the device, and nobody can have it alone. */
    private OpenOptions physicalOptions(Path path, FoundGroup group, OpenOptions options) throws StorageException {
        boolean shared = Files.isRegularFile(path) || kernel.isHeldBy(path, group.uuidPrefix());
        OpenOptions.Others others = options.others() == OpenOptions.Others.ANY
                ? OpenOptions.Others.ANY
                : shared ? OpenOptions.Others.HOLDERS : options.others();
        return new OpenOptions(options.readOnly(), options.buffered(), others);
    }

    private synchronized void release(List<String> used) {
        for (String path : used) {
            Held device = held.get(path);
            if (--device.users == 0) {
                held.remove(path);
                device.device.close();
            }
        }
        used.clear();
    }

    private <T> T look(LvmName name, Look<T> look) throws StorageException {
        List<PosixDevice> opened = new ArrayList<>();
        try (IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            GroupFinder finder = new GroupFinder();
            for (Path path : candidates(name)) {
                Held device = held.get(path.toString());
                PosixDevice physical =
                        device == null ? openToLook(path, !name.devices().isEmpty()) : device.device;
                if (physical == null) {
                    continue;
                }
                if (device == null) {
                    opened.add(physical);
                }
                InlineLoop inline = new InlineLoop(new InlineFileEngine(), buffers);
                PvBytes bytes = new DeviceBytes(new BlockingIo(physical, inline));
                finder.look(bytes);
            }
            return look.at(finder.find(name.group(), name.foreign()));
        } finally {
            opened.forEach(PosixDevice::close);
        }
    }

    private List<Path> candidates(LvmName name) throws StorageException {
        if (name.devices().isEmpty()) {
            return kernel.candidates();
        }
        List<Path> paths = new ArrayList<>();
        for (String device : name.devices()) {
            Path path = Path.of(device);
            Path loop = Files.isRegularFile(path) && !name.assumeInactive() ? kernel.loopOf(path) : null;
            if (loop != null) {
                throw new StorageException(
                        Errno.EBUSY,
                        path + " is attached as " + loop + "; name that, or detach it: losetup -d " + loop);
            }
            paths.add(path);
        }
        return paths;
    }

    /** Null for a device that nobody has named and that cannot be read: an empty drive, say. */
    private static PosixDevice openToLook(Path path, boolean named) throws StorageException {
        try {
            return PosixDevice.open(path, new OpenOptions(true, true, OpenOptions.Others.ANY));
        } catch (StorageException e) {
            if (named) {
                throw e;
            }
            return null;
        }
    }
}
