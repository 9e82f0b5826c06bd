package dev.gossamer.thin.job;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Puts a volume's blocks back into runs: window by window, what lies in several runs on the data device goes to one,
 * with all who share it. Where no run of free blocks is as long as that, windows get narrower. A window that is one run
 * stays, and so does one for which there is none of a few blocks that no volume has reserved, or that has a block
 * twice; what has got another owner meanwhile stays as well.
 */
final class DefragmentJob extends Job {
    /** Bytes of a window: what a disk reads in one go, and a hold waits for (RL-7). */
    private static final long WINDOW_BYTES = 4L << 20;

    /** Blocks of a window, at most. */
    private static final int MAX_WINDOW_BLOCKS = 64;

    /** A window of fewer gains next to nothing. */
    private static final int MIN_WINDOW_BLOCKS = 4;

    /** Blocks looked at in one step for a free run: some milliseconds. */
    private static final long SEARCH_SPAN = 1 << 16;

    private final MoveParts parts;
    private final PoolMetadata metadata;
    private final BlockMover mover;
    private final ThinDevice device;
    private final int blockBytes;
    private int windowBlocks;
    private final long end;
    private long next;
    private long runsBefore;
    private long runsAfter;
    // Where the last free run ended, and how far it was searched in vain since.
    private long searchFrom;
    private long searchedInVain;

    /** @param device opened for the job, which closes it */
    DefragmentJob(MoveParts parts, BlockMover mover, ThinDevice device) throws StorageException {
        super("defragment", device.name());
        this.parts = parts;
        this.metadata = parts.metadata();
        this.mover = mover;
        this.device = device;
        this.blockBytes = metadata.blockBytes();
        this.windowBlocks = Math.clamp(WINDOW_BYTES / blockBytes, 1, MAX_WINDOW_BLOCKS);
        this.end = metadata.highestMappedBlock(device.id()) + 1;
    }

    @Override
    protected long doneBytes() {
        return Math.min(next, end) * blockBytes;
    }

    @Override
    protected long totalBytes() {
        return end * blockBytes;
    }

    @Override
    protected String message() {
        return "what was in " + runsBefore + " runs is in " + runsAfter;
    }

    @Override
    protected JobRequest request() {
        return new JobRequest.Defragment(device.id());
    }

    @Override
    protected String waitsFor() {
        return parts.waitsForPins();
    }

    @Override
    protected void ended() {
        device.closeForJob();
    }

    @Override
    protected void step(StepEnd stepEnd) throws StorageException {
        // Windows that are in order cost a look each, many in a step.
        for (int looked = 0; looked < MAX_WINDOW_BLOCKS && next < end; looked++) {
            SortedMap<Long, Long> blocks = window();
            int runs = runs(blocks);
            if (runs > 1 && isMovable(blocks)) {
                move(blocks, runs, stepEnd);
                return;
            }
            passed(runs, runs);
        }
        if (next < end) {
            stepEnd.next();
        } else {
            stepEnd.done(device.name() + " was in " + runsBefore + " runs, and is in " + runsAfter);
        }
    }

    /** A block that is there twice cannot be at both places; and there may be no free run anywhere. */
    private boolean isMovable(SortedMap<Long, Long> blocks) {
        return searchedInVain < metadata.dataBlocks()
                && Set.copyOf(blocks.values()).size() == blocks.size();
    }

    private void passed(int before, int after) {
        runsBefore += before;
        runsAfter += after;
        next += windowBlocks;
    }

    /** Virtual to data blocks of the next window that has any; empty behind the last one. */
    private SortedMap<Long, Long> window() throws StorageException {
        SortedMap<Long, Long> blocks = new TreeMap<>();
        BTreeCursor cursor = metadata.cursor(device.id(), next);
        while (cursor.next() && (blocks.isEmpty() || cursor.key() < next + windowBlocks)) {
            if (blocks.isEmpty()) {
                next = cursor.key() / windowBlocks * windowBlocks;
            }
            blocks.put(cursor.key(), Mapping.dataBlock(cursor.value(0)));
        }
        if (blocks.isEmpty()) {
            next = end;
        }
        return blocks;
    }

    /** Runs of neighbours: what a reader of the window has to look for. */
    private static int runs(SortedMap<Long, Long> blocks) {
        int runs = 0;
        long expected = -1;
        for (long dataBlock : blocks.values()) {
            runs += dataBlock == expected ? 0 : 1;
            expected = dataBlock + 1;
        }
        return runs;
    }

    private void move(SortedMap<Long, Long> blocks, int runs, StepEnd stepEnd) throws StorageException {
        if (parts.quotas().spareNow() < blocks.size()) {
            if (!narrow()) {
                passed(runs, runs);
            }
            stepEnd.next();
            return;
        }
        Run run = findRun(blocks);
        if (run == null) {
            stepEnd.next();
            return;
        }
        TreeMap<Long, Set<Long>> places = new TreeMap<>();
        blocks.forEach((virtualBlock, dataBlock) -> places.put(dataBlock, Set.of(virtualBlock)));
        mover.move(places, run, new BlockMover.Moved() {
            private boolean tooMany;

            @Override
            public void leftOut(SortedMap<Long, Set<Long>> others) {
                tooMany = true;
            }

            @Override
            public void done(int moved, Map<Long, Integer> unreadable) {
                run.giveBack();
                if (!tooMany || !narrow()) {
                    passed(runs, moved == blocks.size() ? 1 : Math.min(runs, blocks.size() - moved + 1));
                }
                stepEnd.next();
            }

            @Override
            public void failed(Throwable cause) {
                run.giveBack();
                stepEnd.failed(cause);
            }
        });
    }

    /** A run for all blocks of a window, reserved; null: not found yet. */
    private Run findRun(SortedMap<Long, Long> blocks) throws StorageException {
        if (searchFrom >= metadata.dataBlocks()) {
            searchFrom = 0;
        }
        long first = metadata.references().moves().reserveRun(searchFrom, SEARCH_SPAN, blocks.size());
        if (first < 0) {
            searchFrom += SEARCH_SPAN;
            searchedInVain += SEARCH_SPAN;
            if (searchedInVain >= metadata.dataBlocks() && narrow()) {
                searchedInVain = 0;
            }
            return null;
        }
        searchFrom = first + blocks.size();
        searchedInVain = 0;
        return new Run(blocks, first);
    }

    /** @return whether windows get narrower */
    private boolean narrow() {
        if (windowBlocks <= MIN_WINDOW_BLOCKS) {
            return false;
        }
        windowBlocks = Math.max(MIN_WINDOW_BLOCKS, windowBlocks / 2);
        return true;
    }

    /** Reserved blocks for those of a window, in their order. */
    private final class Run implements BlockMover.Targets {
        private final Map<Long, Long> left = new HashMap<>();
        private final long incarnation = parts.faults().incarnation();

        Run(SortedMap<Long, Long> blocks, long first) {
            parts.quotas().beginMove();
            long target = first;
            for (long dataBlock : blocks.values()) {
                left.put(dataBlock, target++);
            }
        }

        @Override
        public long reserve(long dataBlock) throws StorageException {
            Long target = left.remove(dataBlock);
            if (target == null) {
                throw new OutOfDataSpace(metadata.dataBlocks());
            }
            return target;
        }

        /** Those that nobody has asked for; after an abort nothing is reserved any more. */
        void giveBack() {
            if (incarnation == parts.faults().incarnation()) {
                left.values().forEach(metadata::unreserveDataBlock);
            }
            left.clear();
            parts.quotas().endMove();
            parts.waiters().spaceReleased();
        }
    }
}
