package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.worker.WorkerIo;
import java.util.ArrayDeque;
import java.util.List;

/**
 * A store in dm-snapshot's format (type P): its table survives. Worker's thread.
 *
 * <p>Order of writes for one record (rules S-I3, S-S4):
 *
 * <ol>
 *   <li>the owner has filled the chunk;
 *   <li>if the record fills its area, zeros are written to the next area: as soon as the full one is on disk, a reader
 *       goes on to the next. The space of those zeros is held, so that no table ever lacks room (rule S-V7);
 *   <li>the device is flushed, so that data and zeros are there before anything points at them;
 *   <li>the page of the area with the record is written with FUA.
 * </ol>
 *
 * Records that come while others are being copied share steps 2 to 4: the area is written when no chunk is on its way,
 * or when it is full.
 *
 * <p>If we crash before step 4, the chunk is not recorded, no later one is (commits are in order of allocation), and
 * whoever opens the store gives it out again. If chunks were recorded as their copies finish, a late copy of a low
 * chunk would be missing below a recorded high one, and its space would be lost for ever (rule S-I1).
 */
public final class PersistentStore implements ExceptionStore {
    /** Records per write of an area: 512 KiB. More wait for the next write; memory of the worker stays bounded. */
    private static final int RECORDS_PER_WRITE = 32768;

    private final WorkerIo io;
    private final BlockDevice device;
    private final StoreLayout layout;
    private final int pageBytes;
    private final StoreHeader header;
    private RecordArea area;
    private long nextFree;
    /** Chunks given out since the store was opened and not committed; the area's last slot for them is known. */
    private int onTheirWay;
    // Commits that the area has no room for yet or that came during a write. Bounded by the chunks on their way.
    private final ArrayDeque<ChunkRemap> queue = new ArrayDeque<>();
    private int unwritten;
    /** Taken back and not given back yet. */
    private int uncommitted;

    private boolean writing;
    private boolean stopped;
    /**
     * Up to where in the area there may be records on disk that were taken back, in bytes; 0: nowhere. Nothing is
     * recorded until they are cleared, or the store is opened again, which takes what there is: their chunks stay as
     * they are until then.
     */
    private int doubtEnd;

    private boolean settling;
    /** Waits for a table write under way; null if nobody does. */
    private Runnable afterWriting;

    private Listener listener;

    PersistentStore(
            WorkerIo io,
            BlockDevice device,
            StoreLayout layout,
            StoreHeader header,
            RecordArea lastArea,
            long highestNewChunk) {
        this.io = io;
        this.device = device;
        this.layout = layout;
        this.header = header;
        this.area = lastArea;
        this.pageBytes = pageBytes(layout.chunkBytes, device);
        this.nextFree = layout.dataChunkFrom(Math.max(2, highestNewChunk + 1));
    }

    /** The piece in which tables and header are written: a page, unless chunks are smaller or sectors larger. */
    static int pageBytes(int chunkBytes, BlockDevice device) {
        return Math.min(chunkBytes, Math.max(4096, device.geometry().alignmentBytes()));
    }

    /** False: the header said that the snapshot is lost (rule S-L3). */
    public boolean isValidWhenOpened() {
        return header.valid() != 0;
    }

    @Override
    public void setListener(Listener newListener) {
        listener = newListener;
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    @Override
    public int chunkBytes() {
        return layout.chunkBytes;
    }

    StoreLayout layout() {
        return layout;
    }

    RecordArea area() {
        return area;
    }

    int pageBytes() {
        return pageBytes;
    }

    WorkerIo io() {
        return io;
    }

    /**
     * The next chunk for data. The last record of an area is given out only if the next area lies on the device:
     * writing zeros there would fail, and the kernel refuses a full area without a successor.
     */
    @Override
    public long allocate() {
        long deviceChunks = totalBytes() / layout.chunkBytes;
        long record = (long) area.count() + queue.size() + onTheirWay;
        long itsArea = area.number + record / layout.recordsPerArea;
        boolean fillsArea = record % layout.recordsPerArea == layout.recordsPerArea - 1;
        if (isInDoubt()) {
            settle();
            return NO_SPACE;
        }
        if (nextFree >= deviceChunks || (fillsArea && layout.areaChunk(itsArea + 1) >= deviceChunks)) {
            return NO_SPACE;
        }
        long chunk = nextFree;
        nextFree = layout.dataChunkFrom(chunk + 1);
        onTheirWay++;
        return chunk;
    }

    @Override
    public void giveBack(List<ChunkRemap> remaps) {
        onTheirWay -= remaps.size() - uncommitted;
        uncommitted = 0;
        nextFree = remaps.stream().mapToLong(ChunkRemap::newChunk).min().orElse(nextFree);
        writeRecords();
    }

    @Override
    public void commit(ChunkRemap remap) {
        onTheirWay--;
        queue.add(remap);
        writeRecords();
    }

    private void writeRecords() {
        if (writing || stopped || isInDoubt()) {
            return;
        }
        while (!queue.isEmpty() && !area.isFull() && unwritten < RECORDS_PER_WRITE) {
            ChunkRemap remap = queue.poll();
            area.add(remap.oldChunk(), remap.newChunk());
            unwritten++;
        }
        boolean due = area.isFull() || unwritten == RECORDS_PER_WRITE || onTheirWay == 0;
        if (unwritten == 0 || !due) {
            return;
        }
        writing = true;
        if (area.isFull()) {
            io.command(
                    device,
                    BlockOperation.WRITE_ZEROES,
                    layout.areaChunk(area.number + 1) * layout.chunkBytes,
                    layout.chunkBytes,
                    BlockRequest.NO_UNMAP,
                    errno -> {
                        if (Refusal.is(device, errno)) {
                            uncommit();
                        } else {
                            next(errno, "zeroing the next table", this::flushData);
                        }
                    });
        } else {
            flushData();
        }
    }

    /** These records do not count: takes them back, and those that queue behind them. */
    private void uncommit() {
        area.removeLast(unwritten);
        uncommitted += unwritten + queue.size();
        int count = unwritten + queue.size();
        unwritten = 0;
        queue.clear();
        endWriting();
        if (!stopped) {
            listener.full(count);
        }
    }

    private void flushData() {
        io.flush(device, errno -> {
            if (Refusal.isFinal(device, errno)) { // A lack of room told by a flush is lost data.
                uncommit();
            } else {
                next(errno, "flushing copied chunks", this::writePages);
            }
        });
    }

    private void writePages() {
        int firstRecord = area.count() - unwritten;
        writePages(area, firstRecord * StoreLayout.RECORD_BYTES, area.count() * StoreLayout.RECORD_BYTES, errno -> {
            if (Refusal.is(device, errno)) {
                doubtEnd = area.count() * StoreLayout.RECORD_BYTES;
                uncommit();
            } else {
                next(errno, "writing the table", this::written);
            }
        });
    }

    /** Whether records that were taken back may be on disk all the same. */
    public boolean isInDoubt() {
        return doubtEnd > 0;
    }

    /** Whether they are just being cleared. */
    public boolean isSettling() {
        return settling;
    }

    /** Tries to clear them, and tells the listener. */
    public void settle() {
        if (writing || stopped) {
            return;
        }
        writing = true;
        settling = true;
        writePages(area, area.count() * StoreLayout.RECORD_BYTES, doubtEnd, errno -> {
            settling = false;
            doubtEnd = errno == Errno.OK ? 0 : doubtEnd;
            endWriting();
            if (!stopped) {
                listener.settled(errno);
            }
        });
    }

    /** Writes the pages of an area that hold the bytes {@code from} to {@code to}, durably. */
    void writePages(RecordArea which, int from, int to, WorkerIo.Done done) {
        int start = from / pageBytes * pageBytes;
        int length = (to + pageBytes - 1) / pageBytes * pageBytes - start;
        long at = layout.areaChunk(which.number) * layout.chunkBytes + start;
        io.withBuffer(length, buffer -> {
            which.render(start, length, buffer);
            io.write(device, at, length, BlockRequest.FUA, buffer, 0, errno -> {
                buffer.release();
                done.done(errno);
            });
        });
    }

    private void written() {
        int count = unwritten;
        unwritten = 0;
        if (area.isFull()) {
            area = new RecordArea(area.number + 1, layout);
        }
        listener.recorded(count);
        endWriting();
        writeRecords();
    }

    private void next(int errno, String step, Runnable following) {
        if (errno == Errno.OK) {
            following.run();
        } else {
            stopped = true;
            listener.failed(step + " failed: " + Errno.name(errno));
            endWriting();
        }
    }

    private void endWriting() {
        writing = false;
        if (afterWriting != null) {
            Runnable task = afterWriting;
            afterWriting = null;
            task.run();
        }
    }

    /** Records nothing more; calls back when no table write is under way. */
    private void stop(Runnable stoppedNow) {
        stopped = true;
        if (writing) {
            afterWriting = stoppedNow;
        } else {
            stoppedNow.run();
        }
    }

    private void writeHeader(StoreHeader which, WorkerIo.Done done) {
        io.withBuffer(pageBytes, buffer -> {
            buffer.zero(0, pageBytes);
            which.write(buffer);
            io.write(device, 0, pageBytes, BlockRequest.FUA, buffer, 0, errno -> {
                buffer.release();
                done.done(errno);
            });
        });
    }

    @Override
    public void invalidate(WorkerIo.Done done) {
        stop(() -> writeHeader(StoreHeader.of(layout.chunkBytes, false, header.id()), done));
    }

    /**
     * Wipes the header, durably: the device is no store any more. The records of small chunks that lie in what a new
     * store wants to be zero go first: a crash in between leaves a header, by which the rest is found.
     */
    public void wipe(WorkerIo.Done done) {
        stop(() -> {
            if (pageBytes >= StoreHeader.BLOCK_BYTES) {
                writeHeader(StoreHeader.NONE, done);
                return;
            }
            int length = StoreHeader.BLOCK_BYTES - pageBytes;
            io.command(device, BlockOperation.WRITE_ZEROES, pageBytes, length, BlockRequest.NO_UNMAP, zeroed -> {
                if (zeroed != Errno.OK) {
                    done.done(zeroed);
                    return;
                }
                io.flush(device, flushed -> {
                    if (flushed == Errno.OK) {
                        writeHeader(StoreHeader.NONE, done);
                    } else {
                        done.done(flushed);
                    }
                });
            });
        });
    }

    /** During a merge the list only shrinks from its end: goes to an earlier area, whose records have been read. */
    void setArea(RecordArea earlier) {
        Invariant.check(!writing && queue.isEmpty() && onTheirWay == 0, "merge begun while records are on their way");
        area = earlier;
        usedAfterMerge();
    }

    /** The next free chunk as if all records had been made in order; the merge is over when only tables are left. */
    void usedAfterMerge() {
        nextFree = layout.areaChunk(area.number) + area.count() + 1;
    }

    @Override
    public long allocatedBytes() {
        return nextFree * layout.chunkBytes;
    }

    @Override
    public long totalBytes() {
        return device.sizeBytes();
    }

    @Override
    public long metadataBytes() {
        return (area.number + 2) * layout.chunkBytes;
    }
}
