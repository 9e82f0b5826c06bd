package dev.gossamer.daemon.lvm;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.lvm.FoundGroup;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.KnownVolume;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.pool.ThinPool;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thin pool as LVM's text has it, against the pool as its superblock has it (OT-56 to OT-58). The text is never
 * written, so LVM can take the pool back whenever it is not served.
 *
 * @param name of the pool
 * @param dataBytes size of the volume that has its data
 */
public record LvmPool(LvmName name, FoundGroup.Pool pool, long dataBytes, List<FoundGroup.ThinVolume> volumes) {
    /** A mebibyte and a block, and rounding. */
    private static final int BUFFER_BYTES = 2 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(LvmPool.class);

    public LvmPool {
        volumes = List.copyOf(volumes);
    }

    /** The pool that a device belongs to that is named in this way. */
    public static LvmPool find(LvmVolumes volumes, String device) throws StorageException {
        return volumes.pool(LvmName.parse(device));
    }

    /** The pool's metadata, to be opened. */
    public LvmName metadata() {
        return name.sibling(pool.metadata());
    }

    /** The pool's data, to be opened. */
    public LvmName data() {
        return name.sibling(pool.data());
    }

    private String title() {
        return name.group() + "/" + name.volume();
    }

    /**
     * Refuses a pool that is not as LVM left it. Before anything is written.
     *
     * @param metadata the device that {@link #metadata} names
     * @param adopting a pool that has been served here before may have become read-only here
     */
    public void check(BlockDevice metadata, boolean adopting) throws StorageException {
        try (IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(new InlineFileEngine(), buffers));
            try (RegionReader feed = new RegionReader(io, MetadataSource.blocksOf(io))) {
                check(new MetadataSource(metadata.toString(), feed).superblock(), adopting);
            }
        }
    }

    private void check(PoolSuperblock found, boolean adopting) throws StorageException {
        long blockBytes = (long) found.dataBlockSectors() * MetadataSource.sectorBytes();
        long dataBlocks = found.dataMap().blocks();
        checkNothingQueued();
        if (transaction(found) != Transaction.SAME) {
            throw refusal(difference(found));
        }
        if (blockBytes != pool.chunkBytes()) {
            throw refusal(title() + " has blocks of " + blockBytes + " bytes in its superblock and of "
                    + pool.chunkBytes() + " in LVM's text");
        }
        if (dataBlocks > dataBytes / blockBytes) {
            throw refusal(title() + " has " + dataBlocks + " data blocks, its volume " + pool.data() + " has room for "
                    + dataBytes / blockBytes);
        }
        if (adopting && found.needsCheck()) {
            throw refusal(title() + " wants a check (needs_check is set): gossamer check --clear-needs-check-flag "
                    + metadata());
        }
    }

    /** Refuses a pool that LVM is in the middle of changing (OT-56). */
    public void checkNothingQueued() throws StorageException {
        if (pool.queued()) {
            throw refusal(queuedChanges());
        }
    }

    /** What the transaction id of a superblock is to the one that LVM has written down (OT-56). */
    public enum Transaction {
        SAME,
        /** LVM has written down changes that the pool has not been told yet: what it is going to be told next. */
        QUEUED,
        /** One of the two is not of this pool, or not of its newest state. */
        OTHER
    }

    /** Compares; reads nothing. */
    public Transaction transaction(PoolSuperblock found) {
        long ahead = pool.transactionId() - found.transactionId();
        if (pool.queued() && (ahead == 0 || ahead == 1)) {
            return Transaction.QUEUED;
        }
        return ahead == 0 ? Transaction.SAME : Transaction.OTHER;
    }

    /** One line about a superblock whose transaction is not LVM's, and what to do. */
    public String difference(PoolSuperblock found) {
        if (transaction(found) == Transaction.QUEUED) {
            return queuedChanges();
        }
        return title() + " has transaction id " + Long.toUnsignedString(found.transactionId())
                + " in its superblock and " + pool.transactionId()
                + " in LVM's text: one of them is not the newest; if the superblock is right, set transaction_id of "
                + name.volume() + " in the text: vgcfgbackup, edit, vgcfgrestore --force";
    }

    private String queuedChanges() {
        return title() + " has changes that LVM has written down and the pool has not been told; run lvchange -ay "
                + title() + " once, and deactivate it again";
    }

    private static StorageException refusal(String message) {
        return new StorageException(Errno.EINVAL, message);
    }

    /**
     * Gives the pool's volumes their names in LVM, where they have none here, and puts them over their external
     * origins. What cannot be named is logged; of what has an origin nobody sees anything then.
     */
    public void nameVolumes(ThinPool thin, LvmOrigins origins) {
        List<KnownVolume> known = volumes.stream()
                .map(volume -> new KnownVolume(
                        volume.deviceId(),
                        volume.name(),
                        volume.sizeBytes(),
                        !volume.writable(),
                        volume.originId(),
                        origins.of(volume)))
                .toList();
        try {
            int named = ThinPool.join(thin.nameVolumes(known));
            if (named > 0) {
                LOG.info("{}: {} volumes have the names that LVM has for them", title(), named);
            }
        } catch (StorageException e) {
            LOG.warn("{}: volumes without a name here keep none: {}", title(), e.getMessage());
        }
    }
}
