package dev.gossamer.thin.map;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.ExtentMap;
import java.util.function.IntConsumer;

/**
 * Loads a volume's mappings before they are needed (NBD CACHE, T33), so that the reads and writes that follow do not
 * wait for metadata. Data is not read ahead: nothing here caches it, transfers go between the disk and the client's
 * buffers.
 */
public final class MapPrefetch {
    /** Regions that one request loads, 2 GiB of 64 KiB blocks; what lies beyond is loaded when it is used. */
    private static final int MAX_REGIONS = 64;

    /**
     * Regions that one request loads at a time: as many as somebody who reads on gets at once, and not all of the line.
     */
    private static final int AT_A_TIME = 1 + RegionLoads.REGIONS_AHEAD;

    private final IoLoop workerLoop;
    private final RegionLoads loads;

    public MapPrefetch(IoLoop workerLoop, RegionLoads loads) {
        this.workerLoop = workerLoop;
        this.loads = loads;
    }

    /**
     * Loads what is missing. On a loop of the pool.
     *
     * @param answered told an errno, on that loop, perhaps before this returns
     */
    public void load(ThinDevice device, IoLoop asking, long offsetBytes, long lengthBytes, IntConsumer answered) {
        long first = ExtentMap.regionOf(offsetBytes / device.blockBytes());
        long last = ExtentMap.regionOf((offsetBytes + lengthBytes - 1) / device.blockBytes());
        long end = Math.min(last + 1, first + MAX_REGIONS);
        long missing = firstMissing(device, first, end);
        if (missing == end) {
            answered.accept(Errno.OK);
        } else {
            Range range = new Range(device, asking, missing, end, answered);
            if (!Wakeup.call(workerLoop, range::start)) {
                answered.accept(Errno.EIO);
            }
        }
    }

    private static long firstMissing(ThinDevice device, long from, long end) {
        long number = from;
        while (number < end && device.extents().region(number) != null) {
            number++;
        }
        return number;
    }

    /** What one request loads. On the worker's loop. */
    private final class Range {
        private final ThinDevice device;
        private final IoLoop asking;
        private final long end;
        private final IntConsumer answered;
        // Made before anything begins: whoever waits is answered without memory too.
        private final IntConsumer loaded = this::loaded;
        private final Runnable loadNext = this::loadNext;
        private final Runnable answer = this::answer;
        private long next;
        private int underWay = AT_A_TIME;
        private int errno;

        Range(ThinDevice device, IoLoop asking, long from, long end, IntConsumer answered) {
            this.device = device;
            this.asking = asking;
            this.next = from;
            this.end = end;
            this.answered = answered;
        }

        void start() {
            for (int i = 0; i < AT_A_TIME; i++) {
                loadNext();
            }
        }

        private void loadNext() {
            long number = firstMissing(device, next, end);
            next = number + 1;
            // The volume may have shrunk.
            if (errno == Errno.OK && number < Math.min(end, ExtentMap.regionsFor(device.blocks()))) {
                try {
                    loads.load(device, number, loaded);
                } catch (RuntimeException | Error fault) {
                    workerLoop.faults().caught(fault);
                    errno = Errno.EIO;
                    ended();
                }
            } else {
                ended();
            }
        }

        private void ended() {
            if (--underWay == 0) {
                Wakeup.call(asking, answer);
            }
        }

        private void answer() {
            answered.accept(errno);
        }

        private void loaded(int itsErrno) {
            if (errno == Errno.OK) {
                errno = itsErrno;
            }
            // What is in the cache is loaded at once: others get their turn in between.
            Wakeup.call(workerLoop, loadNext);
        }
    }
}
