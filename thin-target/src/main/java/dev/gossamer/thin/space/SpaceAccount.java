package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.pdata.btree.ExclusiveEntries;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.concurrent.CompletableFuture;

/**
 * Counts, when somebody asks, which blocks of a volume are its own (rule ST-3): those in nodes of its tree that have
 * one parent, and with a reference count of 1.
 *
 * <p>Reads only that part of the volume's tree that it shares with nobody: some 120 to 250 mappings a node, so a
 * million exclusive blocks cost about 6000 nodes and a volume just snapshotted costs one. Then goes through all of its
 * mappings, and counts in how many pieces they lie on the data device. Works in steps, with requests
 * served in between, so writes that come meanwhile may be counted or not. Worker's thread.
 */
public final class SpaceAccount {
    /** Nodes a step: a millisecond or so if they have to be read. */
    private static final int NODES_PER_STEP = 32;

    private final PoolState state;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final ThinDevice device;
    private final CompletableFuture<VolumeSpace> answer;
    private final ExclusiveEntries entries;
    private long nextBlock;
    private long exclusive;
    private long nextOfRuns;
    private long expected;
    private long runs;
    private long leastRuns;

    public SpaceAccount(
            PoolState state,
            PoolFaults faults,
            IoLoop loop,
            PoolMetadata metadata,
            ThinDevice device,
            CompletableFuture<VolumeSpace> answer) {
        this.state = state;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.device = device;
        this.answer = answer;
        this.entries = metadata.exclusiveEntries();
    }

    public void step() {
        guarded(this::countExclusive);
    }

    private void countExclusive() throws StorageException {
        metadata.startExclusiveEntries(entries, device.id(), nextBlock);
        while (entries.next()) {
            if (!metadata.isDataBlockShared(Mapping.dataBlock(entries.value()))) {
                exclusive++;
            }
            nextBlock = entries.key() + 1;
            if (entries.nodesRead() > NODES_PER_STEP) {
                loop.execute(this::step);
                return;
            }
        }
        loop.execute(() -> guarded(this::countRuns));
    }

    /** Goes through all mappings, shared ones, too. */
    private void countRuns() throws StorageException {
        BTreeCursor cursor = metadata.cursor(device.id(), nextOfRuns);
        while (cursor.next()) {
            long dataBlock = Mapping.dataBlock(cursor.value(0));
            boolean follows = cursor.key() == nextOfRuns && nextOfRuns > 0;
            leastRuns += follows ? 0 : 1;
            runs += follows && dataBlock == expected ? 0 : 1;
            expected = dataBlock + 1;
            nextOfRuns = cursor.key() + 1;
            if (cursor.leavesRead() > NODES_PER_STEP) {
                loop.execute(() -> guarded(this::countRuns));
                return;
            }
        }
        long mapped = device.mappedBlocks();
        long blockBytes = device.blockBytes();
        answer.complete(
                new VolumeSpace(mapped * blockBytes, Math.min(exclusive, mapped) * blockBytes, runs, leastRuns));
    }

    private interface Count {
        void run() throws StorageException;
    }

    private void guarded(Count count) {
        try {
            if (state.mode() == PoolMode.FAIL) {
                throw new StorageException(Errno.EIO, state.cause());
            }
            count.run();
        } catch (MetadataCorrupt e) {
            faults.failed(device, e);
            answer.completeExceptionally(e);
        } catch (StorageException | RuntimeException | Error e) {
            answer.completeExceptionally(e); // nothing was changed, so this is the asker's error
        }
    }
}
