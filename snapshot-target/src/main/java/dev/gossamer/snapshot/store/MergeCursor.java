package dev.gossamer.snapshot.store;

import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerIo;

/**
 * Walks a persistent store from its last record backwards, for a merge (rule S-M2): so the table shrinks from its end
 * and stays a table at every moment. Worker's thread.
 */
public final class MergeCursor {
    private final PersistentStore store;
    private long firstOldChunk;
    private long firstNewChunk;
    private int chunks;
    // The records of the run are gone from memory.
    private boolean isCleared;

    public MergeCursor(PersistentStore store) {
        this.store = store;
        store.usedAfterMerge();
    }

    /**
     * Finds the longest run at the end of the table that is consecutive on both sides and within one area, at most
     * {@code maxChunks} long. {@link #chunks} is 0 when the table is empty.
     */
    public void findLastRun(int maxChunks, WorkerIo.Done done) {
        RecordArea area = store.area();
        if (area.count() == 0) {
            if (area.number == 0) {
                chunks = 0;
                done.done(Errno.OK);
            } else {
                loadBefore(area.number, maxChunks, done);
            }
            return;
        }
        int last = area.count() - 1;
        int first = last;
        while (first > 0
                && last - first + 1 < maxChunks
                && area.oldChunk(first - 1) + 1 == area.oldChunk(first)
                && area.newChunk(first - 1) + 1 == area.newChunk(first)) {
            first--;
        }
        firstOldChunk = area.oldChunk(first);
        firstNewChunk = area.newChunk(first);
        chunks = last - first + 1;
        isCleared = false;
        done.done(Errno.OK);
    }

    private void loadBefore(long number, int maxChunks, WorkerIo.Done done) {
        AreaReader reader = new AreaReader(store.io(), store.device(), store.layout());
        RecordArea earlier = new RecordArea(number - 1, store.layout());
        reader.read(earlier.number, earlier::add, (errno, count) -> {
            if (errno == Errno.OK) {
                store.setArea(earlier);
                findLastRun(maxChunks, done);
            } else {
                done.done(errno);
            }
        });
    }

    public long firstOldChunk() {
        return firstOldChunk;
    }

    public long firstNewChunk() {
        return firstNewChunk;
    }

    public int chunks() {
        return chunks;
    }

    /**
     * Clears the records of the run last found, durably (rule S-M4). If it fails they may or may not be there, and it
     * can be called again.
     */
    public void clearRun(WorkerIo.Done done) {
        RecordArea area = store.area();
        if (!isCleared) {
            isCleared = true;
            area.removeLast(chunks);
            store.usedAfterMerge();
        }
        int from = area.count() * StoreLayout.RECORD_BYTES;
        store.writePages(area, from, from + chunks * StoreLayout.RECORD_BYTES, done);
    }
}
