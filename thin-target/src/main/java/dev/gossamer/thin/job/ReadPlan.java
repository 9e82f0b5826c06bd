package dev.gossamer.thin.job;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.OwnerSearch;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.function.IntPredicate;

/**
 * Which data blocks a dedupe reads, each once in a pass: those of all volumes, or of some. Goes on from step to step
 * while mappings change. Worker's thread.
 */
final class ReadPlan {
    /** Nodes of the mapping trees that one step reads: a millisecond. */
    private static final int NODES = 256;

    private final PoolMetadata metadata;
    private final MoveParts parts;
    private final List<ThinDevice> chosen;
    private final OwnerSearch all;
    private final IntPredicate spared;
    // A bit for each data block.
    private final BitSet seen = new BitSet();
    private int device;
    private long nextBlock;

    /**
     * For one dedupe.
     *
     * @param chosen none: all volumes there are
     * @param spared devices, by id, that are passed over then
     */
    ReadPlan(MoveParts parts, List<ThinDevice> chosen, IntPredicate spared) {
        this.spared = spared;
        this.metadata = parts.metadata();
        this.parts = parts;
        this.chosen = chosen;
        this.all = metadata.references().moves().search(parts::damaged);
    }

    /** Begins another pass. */
    void restart() {
        all.restart();
        seen.clear();
        device = 0;
        nextBlock = 0;
    }

    boolean isEnded() {
        return chosen.isEmpty() ? all.isEnded() : device == chosen.size();
    }

    /** Adds the next blocks, until there are so many, or a step's work is done. */
    void step(Queue<Long> queue, int most) throws StorageException {
        if (chosen.isEmpty()) {
            all.step(
                    0,
                    metadata.dataBlocks(),
                    NODES,
                    owner -> queue.size() < most && (spared.test(owner.deviceId()) || add(queue, owner.dataBlock())));
            return;
        }
        try {
            stepChosen(queue, most);
        } catch (MetadataCorrupt damage) {
            parts.damaged(chosen.get(device).id(), damage);
            nextDevice();
        }
    }

    private void stepChosen(Queue<Long> queue, int most) throws StorageException {
        BTreeCursor cursor = metadata.cursor(chosen.get(device).id(), nextBlock);
        while (cursor.leavesRead() < NODES && queue.size() < most) {
            if (!cursor.next()) {
                nextDevice();
                return;
            }
            add(queue, Mapping.dataBlock(cursor.value(0)));
            nextBlock = cursor.key() + 1;
        }
    }

    private void nextDevice() {
        device++;
        nextBlock = 0;
    }

    private boolean add(Queue<Long> queue, long dataBlock) {
        int block = Math.toIntExact(dataBlock);
        if (!seen.get(block)) {
            seen.set(block);
            queue.add(dataBlock);
        }
        return true;
    }
}
