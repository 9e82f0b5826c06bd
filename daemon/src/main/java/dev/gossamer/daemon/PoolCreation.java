package dev.gossamer.daemon;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.SpaceConfig;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.MetadataSpace;
import dev.gossamer.daemon.device.OriginDevices;
import dev.gossamer.daemon.lvm.KernelDevices;
import dev.gossamer.daemon.lvm.LvmName;
import dev.gossamer.daemon.lvm.LvmOrigins;
import dev.gossamer.daemon.lvm.LvmPool;
import dev.gossamer.daemon.lvm.LvmVolumes;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.pool.ThinPool;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Makes pool directories. What fails leaves no trace (C-7): everything is checked before anything is written,
 * pool.yaml, which makes a directory a pool, comes last and at one instant, and what was made before is removed again.
 */
public final class PoolCreation {
    /** Name of the data file of a pool that lives in files. */
    static final String DATA_FILE = "data";

    /** Name of the metadata file likewise. */
    static final String METADATA_FILE = "metadata";

    /** More than the smallest pools need: what the file has is set aside at once. */
    private static final long MIN_METADATA_FILE_BYTES = 8L << 20;

    /** What the format can address: 255 bitmap blocks of 16 384 entries of 4 KiB. */
    private static final long MAX_METADATA_FILE_BYTES = 255L * 16_384 * 4096;

    /** Less is no pool: superblock, space maps and trees need a few blocks each. */
    private static final long MIN_METADATA_BYTES = 64 << 10;

    /** dm-thin's rule of thumb for the metadata of one mapped block. */
    private static final int METADATA_BYTES_PER_BLOCK = 48;

    private static final int BLOCK_STEP_BYTES = 64 << 10;
    private static final int MAX_BLOCK_BYTES = 1 << 30;

    /** Formatting and opening hold a few metadata blocks and a few data sectors at a time. */
    private static final int BUFFER_BYTES = 4 << 20;

    private final PoolDirectory directory;
    /** What was made so far, last first. */
    private final Deque<Path> made = new ArrayDeque<>();

    private PoolCreation(PoolDirectory directory) {
        this.directory = directory;
    }

    /**
     * Makes a pool in two files of its directory: the data is sparse, the metadata has its space
     * ({@link MetadataSpace}).
     */
    public static void createInFiles(PoolDirectory directory, long dataBytes, int blockBytes, boolean buffered)
            throws StorageException {
        createInFiles(directory, dataBytes, blockBytes, buffered, SpaceConfig.DEFAULT);
    }

    /** As the other, with what shall happen when space runs low or out. */
    public static void createInFiles(
            PoolDirectory directory, long dataBytes, int blockBytes, boolean buffered, SpaceConfig space)
            throws StorageException {
        checkBlockSize(blockBytes);
        if (dataBytes < blockBytes) {
            throw invalid("data size " + dataBytes + " is less than one block of " + blockBytes
                    + "; choose a larger size or smaller blocks");
        }
        long size = dataBytes / blockBytes * blockBytes;
        new PoolCreation(directory).run(creation -> {
            creation.makeFile(METADATA_FILE, metadataBytes(size / blockBytes));
            creation.makeFile(DATA_FILE, size);
            creation.format(new PoolConfig(METADATA_FILE, DATA_FILE, buffered).withSpace(space), blockBytes);
        });
    }

    /** Makes a pool on two devices or files that are there already. */
    public static void createOnDevices(PoolDirectory directory, PoolConfig config, int blockBytes)
            throws StorageException {
        checkBlockSize(blockBytes);
        checkDistinct(directory, config);
        new PoolCreation(directory).run(creation -> creation.format(config, blockBytes));
    }

    /** Makes a pool directory for an existing dm-thin pool, after a look whether it opens. Writes nothing to it. */
    public static void adopt(PoolDirectory directory, PoolConfig config) throws StorageException {
        checkDistinct(directory, config);
        new PoolCreation(directory).run(creation -> creation.lookAndAdopt(config));
    }

    /**
     * As the other, for a thin pool of LVM's, which is found without LVM (OT-58).
     *
     * @param pool the pool by its own name
     * @param origins where the external origins of its volumes are, by their names in LVM
     */
    public static void adopt(PoolDirectory directory, LvmName pool, Map<String, String> origins, boolean buffered)
            throws StorageException {
        LvmPool found = new LvmVolumes(KernelDevices.SYSTEM).pool(pool);
        PoolConfig config =
                new PoolConfig(found.metadata().toString(), found.data().toString(), buffered).withOrigins(origins);
        new PoolCreation(directory).run(creation -> creation.lookAndAdopt(config));
    }

    /** Whether there is nothing yet, or an empty directory. */
    public static boolean isNew(PoolDirectory directory) throws StorageException {
        try (Stream<Path> entries = Files.list(directory.path())) {
            return entries.findAny().isEmpty();
        } catch (java.nio.file.NoSuchFileException e) {
            return true;
        } catch (NotDirectoryException e) {
            throw new StorageException(
                    Errno.EINVAL, directory + " is a file; name a directory that is empty or does not exist", e);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot read " + directory + ": " + Reason.of(e), e);
        }
    }

    private interface Steps {
        void run(PoolCreation creation) throws StorageException, IOException;
    }

    private void requireNew() throws StorageException {
        if (!isNew(directory)) {
            throw new StorageException(
                    Errno.EEXIST,
                    Files.exists(directory.config())
                            ? directory + " is a pool already; serve it with: gossamer serve " + directory
                            : directory + " is not empty; name a directory that is empty or does not exist");
        }
    }

    @SuppressWarnings("try") // The lock is held, not used.
    private void run(Steps steps) throws StorageException {
        requireNew();
        boolean done = false;
        try {
            makeDirectories(directory.path());
            try (var ignored = PoolLock.take(directory)) {
                // Another may have made one since the first look.
                requireNew();
                steps.run(this);
            }
            done = true;
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot make the pool in " + directory + ": " + Reason.of(e), e);
        } finally {
            if (!done) {
                removeWhatWasMade();
            }
        }
    }

    private void makeDirectories(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return;
        }
        if (path.getParent() != null) {
            makeDirectories(path.getParent());
        }
        try {
            Files.createDirectory(path);
            made.push(path);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(path + " is no directory", e);
        }
    }

    private void makeFile(String name, long sizeBytes) throws StorageException {
        Path path = directory.resolve(name);
        // What is there already is somebody else's, and not to be removed.
        PosixFiles.create(path, sizeBytes);
        made.push(path);
    }

    private void removeWhatWasMade() {
        while (!made.isEmpty()) {
            try {
                Files.deleteIfExists(made.pop());
            } catch (IOException e) {
                // Somebody put something there meanwhile, so it stays.
                return;
            }
        }
    }

    private void format(PoolConfig config, int blockBytes) throws StorageException, IOException {
        OpenOptions options = new OpenOptions(false, config.buffered());
        try (DeviceOpener opener = DeviceOpener.standalone(directory);
                BlockDevice metadata = opener.open(config.metadata(), options);
                BlockDevice data = opener.open(config.data(), options);
                IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            long metadataBytes = metadata.geometry().sizeBytes();
            if (metadataBytes < MIN_METADATA_BYTES) {
                throw invalid(metadata + " has " + metadataBytes + " bytes; the metadata of a pool needs at least "
                        + MIN_METADATA_BYTES);
            }
            if (data.geometry().sizeBytes() < blockBytes) {
                throw invalid(data + " has " + data.geometry().sizeBytes() + " bytes, less than one block of "
                        + blockBytes + "; use a larger device or smaller blocks");
            }
            MetadataSpace.take(metadata);
            ThinPool.format(metadata, data, blockBytes, new InlineLoop(new InlineFileEngine(), buffers));
        }
        config.write(directory.config());
    }

    private void lookAndAdopt(PoolConfig config) throws StorageException, IOException {
        OpenOptions options = new OpenOptions(true, config.buffered());
        try (DeviceOpener opener = DeviceOpener.standalone(directory);
                BlockDevice metadata = opener.open(config.metadata(), options);
                BlockDevice data = opener.open(config.data(), options);
                IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            InlineLoop inline = new InlineLoop(new InlineFileEngine(), buffers);
            // An inline loop runs everything at once, so the pool can have it as its worker; it does no more than look.
            OriginDevices origins = new OriginDevices(opener, directory, config);
            if (LvmName.isLvm(config.metadata())) {
                LvmPool lvm = LvmPool.find(opener.lvm(), config.metadata());
                lvm.check(metadata, true);
                opener.lvm().checkWritable(lvm);
                new LvmOrigins(config.origins()).look(lvm, origins);
            }
            ThinPool.open(metadata, data, inline, inline, List.of(), PoolOptions.DEFAULT, origins);
        }
        config.write(directory.config());
    }

    // ---- checks ----

    private static void checkBlockSize(int blockBytes) throws StorageException {
        if (blockBytes < BLOCK_STEP_BYTES || blockBytes > MAX_BLOCK_BYTES || blockBytes % BLOCK_STEP_BYTES != 0) {
            throw invalid("block size " + blockBytes + " is not usable; use a multiple of 64k from 64k to 1G");
        }
    }

    /**
     * C-1, by what the paths lead to: links and device numbers do not deceive it. Exports are told apart by address.
     */
    private static void checkDistinct(PoolDirectory directory, PoolConfig config) throws StorageException {
        if (!DeviceOpener.isPath(config.metadata()) || !DeviceOpener.isPath(config.data())) {
            if (config.metadata().equals(config.data()) || sameExport(config.metadata(), config.data())) {
                throw invalid(config.data() + " is named twice; metadata and data need one device each");
            }
            return;
        }
        Path metadata = directory.resolve(config.metadata());
        Path data = directory.resolve(config.data());
        try {
            boolean same = Files.isSameFile(metadata, data);
            if (!same && isDevice(metadata) && isDevice(data)) {
                same = Files.getAttribute(metadata, "unix:rdev").equals(Files.getAttribute(data, "unix:rdev"));
            }
            if (same) {
                throw invalid(metadata + " and " + data + " are the same device; metadata and data need one each");
            }
        } catch (StorageException e) {
            throw e;
        } catch (java.nio.file.NoSuchFileException e) {
            throw new StorageException(Errno.ENODEV, "there is no " + e.getFile() + "; check the path", e);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot examine " + metadata + ": " + Reason.of(e), e);
        }
    }

    private static boolean sameExport(String metadata, String data) throws StorageException {
        return DeviceOpener.isUri(metadata)
                && DeviceOpener.isUri(data)
                && DeviceOpener.parse(metadata).equals(DeviceOpener.parse(data));
    }

    private static boolean isDevice(Path path) throws IOException {
        return Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class)
                .isOther();
    }

    /** Room for every block to be mapped once; it can grow when snapshots need more. */
    static long metadataBytes(long dataBlocks) {
        long bytes = Math.ceilDiv(dataBlocks * METADATA_BYTES_PER_BLOCK, 1L << 20) << 20;
        return Math.clamp(bytes, MIN_METADATA_FILE_BYTES, MAX_METADATA_FILE_BYTES);
    }

    private static StorageException invalid(String message) {
        return new StorageException(Errno.EINVAL, message);
    }
}
