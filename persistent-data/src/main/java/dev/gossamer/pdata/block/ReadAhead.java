package dev.gossamer.pdata.block;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Brings blocks into the cache of a {@link BlockManager} many at a time, while their thread does other things.
 *
 * <p>A block arrives in a page of this object's own, is checked like any other that is read, and copied into a frame.
 * So no frame is ever the kernel's to write to, and nobody waits for a read under way: {@link BlockManager#read} reads
 * the block itself, and what arrives later finds it there. Only {@link BlockManager#newBlock} makes the read of its
 * location void, because that may bring what was there before; after an abort, what arrives is what the device holds.
 * What fails or is damaged is dropped: who needs the block reads it again, and is told why that fails.
 *
 * <p>Confined to the block manager's thread, which is that of the loop given to {@link #fetch}. Blocks arrive in tasks
 * of the loop of their own, or before {@link #fetch} returns, but never inside a call on the block manager.
 */
public final class ReadAhead {
    /**
     * Reads under way at a time: 32 requests that miss two leaves each. Fast disks are busy with that, slow ones have a
     * line long enough to sort. What is beyond it waits in line here.
     */
    public static final int MAX_IN_FLIGHT = 64;

    /** Told when every block of a fetch has arrived or been dropped. */
    @FunctionalInterface
    public interface Arrival {
        /**
         * All is over.
         *
         * @param complete none was dropped: all of them are in the cache now, unless it is too small for that
         */
        void arrived(boolean complete);
    }

    private final BlockManager blocks;
    private final BlockDevice device;
    private final IoBufferPool pages = new IoBufferPool(MAX_IN_FLIGHT * MetadataBlock.BYTES);
    private final BlockCompletion completion = this::completed;
    // By location; those that wait in line and those under way, but not the void ones.
    private final Map<Long, Reading> readings = new HashMap<>();
    // As long as the fetches of all who wait for one: the caller bounds those.
    private Reading firstInLine;
    private Reading lastInLine;
    private int inFlight;
    private boolean closed;

    ReadAhead(BlockManager blocks, BlockDevice device) {
        this.blocks = blocks;
        this.device = device;
    }

    /**
     * Reads those of the blocks that are not in the cache. One that is on its way for somebody else is read once.
     *
     * @param validator not the superblock's, which is written in place
     * @param arrival told once, on the loop, perhaps before this returns
     */
    public void fetch(IoLoop loop, long[] locations, BlockValidator validator, Arrival arrival) {
        Invariant.check(
                validator != BlockValidator.SUPERBLOCK, "a block that is written in place cannot be read ahead");
        Fetch fetch = new Fetch(arrival, locations.length + 1);
        for (long location : locations) {
            Reading reading = readings.get(location);
            if (reading == null) {
                reading = new Reading(loop, location, validator);
                register(reading);
            }
            reading.fetches.add(fetch);
        }
        startNext();
        fetch.arrived(true);
    }

    /** Whether what is fetched now would have to wait in line. */
    public boolean isBusy() {
        return inFlight >= MAX_IN_FLIGHT;
    }

    /** The block is made anew: what is on its way from there is old. */
    void voidAt(long location) {
        Reading reading = readings.get(location);
        if (reading != null && reading.started) {
            reading.isVoid = true;
            readings.remove(reading.key);
        }
    }

    void close() {
        closed = true;
        // The kernel may still write there. Whoever closes has waited; if not, the memory is lost rather than freed.
        if (inFlight == 0) {
            pages.close();
        }
    }

    private void register(Reading reading) {
        try {
            readings.put(reading.key, reading);
        } catch (Throwable noMemory) {
            readings.remove(reading.key); // a table that cannot grow has the entry by then
            throw noMemory;
        }
        if (firstInLine == null) {
            firstInLine = reading;
        } else {
            lastInLine.nextInLine = reading;
        }
        lastInLine = reading;
    }

    /** What cannot be begun has ended: whoever wants the block reads it himself, and those behind it go on. */
    private void startNext() {
        while (inFlight < MAX_IN_FLIGHT && firstInLine != null) {
            Reading reading = firstInLine;
            firstInLine = reading.nextInLine;
            try {
                start(reading);
            } catch (RuntimeException | Error fault) {
                end(reading, false);
                reading.loop.faults().caught(fault);
            }
        }
    }

    private void start(Reading reading) {
        boolean cached = blocks.isCached(reading.location);
        if (cached || !blocks.isReadable(reading.location, reading.validator)) {
            end(reading, cached);
            return;
        }
        BlockRequest request = reading.loop.requests().acquire();
        IoBuffer page;
        try {
            page = pages.acquire(MetadataBlock.BYTES);
        } catch (RuntimeException | Error fault) {
            request.recycle();
            throw fault;
        }
        reading.started = true;
        inFlight++;
        request.transfer(BlockOperation.READ, reading.location * MetadataBlock.BYTES, MetadataBlock.BYTES, 0, page, 0);
        request.note(reading);
        request.push(completion);
        device.start(request);
    }

    private void completed(BlockRequest request, int errno) {
        Reading reading = request.note(Reading.class);
        IoBuffer page = request.buffer();
        boolean wanted = errno == Errno.OK && !reading.isVoid && !closed;
        boolean present = false;
        try {
            request.recycle();
            present = wanted && blocks.takeIn(reading.location, reading.validator, page);
        } finally {
            page.release();
            inFlight--;
            end(reading, present);
            startNext();
        }
    }

    private void end(Reading reading, boolean present) {
        readings.remove(reading.key, reading);
        for (int i = 0; i < reading.fetches.size(); i++) {
            try {
                reading.fetches.get(i).arrived(present);
            } catch (RuntimeException | Error fault) {
                reading.loop.faults().caught(fault);
            }
        }
    }

    /** One block on its way, or in line. */
    private static final class Reading {
        final IoLoop loop;
        final long location;
        // The same, made beforehand: taking it out of the table needs no memory.
        final Long key;
        final BlockValidator validator;
        final List<Fetch> fetches = new ArrayList<>(1);
        boolean started;
        boolean isVoid;
        Reading nextInLine;

        Reading(IoLoop loop, long location, BlockValidator validator) {
            this.loop = loop;
            this.location = location;
            this.key = location;
            this.validator = validator;
        }
    }

    /** What somebody waits for. */
    private static final class Fetch {
        private final Arrival arrival;
        private int left;
        private boolean complete = true;

        Fetch(Arrival arrival, int left) {
            this.arrival = arrival;
            this.left = left;
        }

        void arrived(boolean present) {
            complete &= present;
            if (--left == 0) {
                arrival.arrived(complete);
            }
        }
    }
}
