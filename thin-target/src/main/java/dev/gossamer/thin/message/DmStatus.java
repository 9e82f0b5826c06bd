package dev.gossamer.thin.message;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceWaiters;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The kernel's status lines, as {@code dmsetup status} prints them (rules ST-1, ST-2; on-disk format 9.14): for the
 * pool
 *
 * <pre>
 * 0 SECTORS thin-pool TRANSACTION-ID USED/TOTAL-METADATA-BLOCKS USED/TOTAL-DATA-BLOCKS HELD-ROOT|- MODE
 *   DISCARD QUEUE|ERROR_IF_NO_SPACE needs_check|- METADATA-LOW-WATER
 * </pre>
 *
 * and for each volume {@code NAME: 0 SECTORS thin MAPPED-SECTORS HIGHEST-MAPPED-SECTOR|-}. A failed pool is {@code
 * Fail}. Worker's thread.
 */
public final class DmStatus {
    private static final int SECTOR_BYTES = 512;

    /** A turn ends after so many volumes, or after this time. */
    private static final int TURN_VOLUMES = 32;

    private static final long TURN_NANOS = 500_000;

    private final IoLoop loop;
    private final PoolFaults faults;

    private final PoolMetadata metadata;
    private final PoolDevices devices;
    private final PoolState state;
    private final Committer committer;
    private final SpaceWaiters spaceWaiters;
    private final DiscardMode discardMode;

    public DmStatus(
            IoLoop loop,
            PoolFaults faults,
            PoolMetadata metadata,
            PoolDevices devices,
            PoolState state,
            Committer committer,
            SpaceWaiters spaceWaiters,
            DiscardMode discardMode) {
        this.loop = loop;
        this.faults = faults;
        this.metadata = metadata;
        this.devices = devices;
        this.state = state;
        this.committer = committer;
        this.spaceWaiters = spaceWaiters;
        this.discardMode = discardMode;
    }

    /**
     * Commits first, so that the pool's figures are those of the disk, unless the metadata is frozen. Volumes are
     * looked at one after the other, in turns with other work: each takes a walk down its tree, and there may be
     * thousands.
     * Only while no commit is being written.
     */
    public void ask(CompletableFuture<List<String>> answer) {
        try {
            if (!state.isMetadataReadOnly()) {
                committer.commitNow();
            }
            List<String> lines = new ArrayList<>();
            long sectors = metadata.dataBlocks() * metadata.blockBytes() / SECTOR_BYTES;
            lines.add("0 " + sectors + " thin-pool " + pool());
            turn(lines, devices.all().iterator(), answer);
        } catch (StorageException e) {
            answer.completeExceptionally(e);
        }
    }

    /** Looks at the next volumes, then leaves the loop to others for as long as that took. */
    private void turn(List<String> lines, Iterator<ThinDevice> left, CompletableFuture<List<String>> answer) {
        try {
            long began = loop.nanoTime();
            for (int i = 0; i < TURN_VOLUMES && left.hasNext() && loop.nanoTime() - began < TURN_NANOS; i++) {
                ThinDevice device = left.next();
                lines.add(device.name() + ": 0 " + device.sizeBytes() / SECTOR_BYTES + " thin " + thin(device));
            }
            if (left.hasNext()) {
                loop.schedule(() -> turn(lines, left, answer), loop.nanoTime() - began);
            } else {
                answer.complete(lines);
            }
        } catch (StorageException | RuntimeException | Error e) {
            answer.completeExceptionally(e); // nothing was changed, so this is the asker's error
        }
    }

    private String pool() {
        PoolMode mode = state.mode();
        if (mode == PoolMode.FAIL) {
            return mode.word();
        }
        OnFull policy = spaceWaiters.effectivePolicy();
        return String.join(
                " ",
                Long.toUnsignedString(metadata.transactionId()),
                metadata.metadataBlocksUsed() + "/" + metadata.metadataBlocks(),
                metadata.dataBlocksUsed() + "/" + metadata.dataBlocks(),
                metadata.heldRoot() == 0 ? "-" : Long.toString(metadata.heldRoot()),
                mode.word(),
                discardMode.word(),
                policy == OnFull.QUEUE ? "queue_if_no_space" : "error_if_no_space",
                metadata.needsCheck() ? "needs_check" : "-",
                Long.toString(metadata.room().lowWaterBlocks()));
    }

    private String thin(ThinDevice device) throws StorageException {
        if (state.mode() == PoolMode.FAIL) {
            return state.mode().word();
        }
        long sectorsPerBlock = metadata.blockBytes() / SECTOR_BYTES;
        long highest;
        try {
            highest = metadata.highestMappedBlock(device.id());
        } catch (MetadataCorrupt e) {
            faults.failed(device, e);
            throw e;
        }
        return device.mappedBlocks() * sectorsPerBlock + " "
                + (highest < 0 ? "-" : Long.toString((highest + 1) * sectorsPerBlock - 1));
    }
}
