package dev.gossamer.daemon;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.device.DeviceGrowth;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.MetadataSpace;
import dev.gossamer.daemon.device.ThisDaemon;
import dev.gossamer.daemon.lvm.LvmName;
import dev.gossamer.daemon.lvm.LvmOrigins;
import dev.gossamer.daemon.lvm.LvmPool;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.owner.ForeignOwner;
import dev.gossamer.thin.owner.OwnerPlace;
import dev.gossamer.thin.owner.PoolOwnership;
import dev.gossamer.thin.pool.ThinPool;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a pool's devices, and the pool on them. Where one of the devices is remote, or the pool has an owner slot from
 * a time when one was, the pool is claimed first (OP-12): until then nothing is written, to the devices nor elsewhere.
 */
final class PoolOpening {
    private static final Logger LOG = LoggerFactory.getLogger(PoolOpening.class);

    /** Blocks in preparation: of 64 KiB a thousand, of 1 MiB sixty-four. */
    private static final int WORKER_BUFFER_BYTES = 64 << 20;

    /** One metadata transfer, or one catalog slot, at a time. */
    private static final int INLINE_BUFFER_BYTES = 1 << 20;

    private final PoolConfig config;
    private final IoLoops loops;
    private final InlineFileEngine inlineFiles;
    private final PoolOwnership ownership;
    private final CompletableFuture<ForeignOwner> lost = new CompletableFuture<>();
    private BlockDevice metadata;
    private BlockDevice data;
    private ThinPool opened;

    /** @param inlineFiles what the pool's worker waits for itself goes through them */
    PoolOpening(PoolConfig config, IoLoops loops, InlineFileEngine inlineFiles) {
        this.config = config;
        this.loops = loops;
        this.inlineFiles = inlineFiles;
        this.ownership = new PoolOwnership(loops.loop(0), new ThisDaemon(), new SecureRandom());
    }

    /** Completes, on a loop, when somebody else has used the pool: nothing of this process reaches it any more. */
    CompletableFuture<ForeignOwner> lost() {
        return lost;
    }

    /**
     * Opens everything, or nothing. Waits; not on a loop.
     *
     * @param poolLoops whose requests the pool will take
     * @param force takes the pool from an owner that seems to be there
     */
    ThinPool open(DeviceOpener opener, List<IoLoop> poolLoops, OriginOpener origins, boolean force)
            throws StorageException {
        try {
            OpenOptions options = new OpenOptions(false, config.buffered());
            metadata = opener.openPatient(config.metadata(), options, ownership.gate(PoolOwnership.Role.METADATA));
            data = opener.open(config.data(), options, ownership.gate(PoolOwnership.Role.DATA));
            if (!LvmName.isLvm(config.metadata())) {
                return open(config.space().options(new DeviceGrowth(metadata, data)), poolLoops, origins, force);
            }
            LvmPool lvm = LvmPool.find(opener.lvm(), config.metadata());
            LvmOrigins lvmOrigins = new LvmOrigins(config.origins());
            lvm.check(metadata, false);
            lvmOrigins.check(lvm);
            // No version that left its list of names without a mark could open a pool of LVM's.
            PoolOptions lvmOptions = config.space()
                    .options(new DeviceGrowth(metadata, data))
                    .withIdsFromTop()
                    .withUnmarkedCatalog(UnmarkedCatalog.IGNORE);
            ThinPool pool = open(lvmOptions, poolLoops, origins, force);
            lvm.nameVolumes(pool, lvmOrigins);
            return pool;
        } catch (StorageException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Once there is a pool, the devices are its own. */
    private void close() {
        try {
            if (opened == null) {
                ownership.release().join();
            } else {
                ThinPool.join(opened.close());
            }
        } catch (StorageException | RuntimeException | Error e) {
            LOG.warn("closing what had been opened: {}", Reason.of(e));
        }
        if (opened == null) {
            close(metadata);
            close(data);
        }
    }

    private static void close(BlockDevice device) {
        if (device != null) {
            device.close();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // A pool that is lost says so to the log.
    private ThinPool open(PoolOptions given, List<IoLoop> poolLoops, OriginOpener origins, boolean force)
            throws StorageException {
        InlineLoop inline = new InlineLoop(inlineFiles, new IoBufferPool(INLINE_BUFFER_BYTES));
        PoolOptions options = given;
        BlockDevice ownMetadata = metadata;
        BlockDevice ownData = data;
        boolean remote = DeviceOpener.isUri(config.metadata()) || DeviceOpener.isUri(config.data());
        OwnerPlace place = OwnerPlace.find(
                new BlockingIo(metadata, inline), new BlockingIo(data, inline), remote, options.unmarkedCatalog());
        options = options.withFindings(place.findings());
        if (remote || place.mapped()) {
            claim(place, remote, force);
            options = options.withOwner(ownership);
            ownMetadata = ownership.guarded(PoolOwnership.Role.METADATA, metadata);
            ownData = ownership.guarded(PoolOwnership.Role.DATA, data);
        }
        IoLoop worker = loops.startWorker("gossamer-pool", WORKER_BUFFER_BYTES);
        ThinPool pool = ThinPool.open(ownMetadata, ownData, inline, worker, poolLoops, options, origins);
        opened = pool;
        String noRoom = MetadataSpace.whyNotTaken(metadata);
        if (noRoom != null) {
            pool.metadataHasNoRoom(noRoom);
        }
        lost.thenAccept(why -> pool.disown(why.getMessage()));
        return pool;
    }

    private void claim(OwnerPlace place, boolean remote, boolean force) throws StorageException {
        if (remote) {
            LOG.warn(
                    "remote devices are served without high availability: a second daemon is noticed, but nothing cuts "
                            + "off the first one; serve the pool from one machine at a time");
        }
        if (place.offsetBytes() == OwnerPlace.NONE) {
            LOG.warn(
                    "{}: no room for the owner slot: another daemon is only noticed by what it commits; "
                            + "give the pool space",
                    data);
        }
        ownership.onLoss(why -> lost.complete(new ForeignOwner(why)));
        ThinPool.join(ownership.claim(place, metadata, data, force));
    }
}
