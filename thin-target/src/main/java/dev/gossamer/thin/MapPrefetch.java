package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads a volume's mappings before they are needed (NBD CACHE, T33), so that the reads and writes that follow do not wait for
 * metadata. Data is not read ahead: nothing here caches it, transfers go between the disk and the client's buffers.
 */
final class MapPrefetch {
    /** Regions that one request loads, 2 GiB of 64 KiB blocks; what lies beyond is loaded when it is used. */
    private static final int MAX_REGIONS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(MapPrefetch.class);

    private final PoolWorker worker;
    private final IoLoop workerLoop;
    private final MapPublisher maps;

    MapPrefetch(PoolWorker worker, IoLoop workerLoop, MapPublisher maps) {
        this.worker = worker;
        this.workerLoop = workerLoop;
        this.maps = maps;
    }

    /**
     * Loads what is missing. On a loop of the pool.
     *
     * @param answered told an errno, on that loop, perhaps before this returns
     */
    void load(ThinDevice device, IoLoop asking, long offsetBytes, long lengthBytes, IntConsumer answered) {
        long first = ExtentMap.regionOf(offsetBytes / device.blockBytes());
        long last = ExtentMap.regionOf((offsetBytes + lengthBytes - 1) / device.blockBytes());
        long end = Math.min(last + 1, first + MAX_REGIONS);
        long missing = firstMissing(device, first, end);
        if (missing == end) {
            answered.accept(Errno.OK);
        } else {
            workerLoop.execute(() -> step(device, asking, missing, end, answered));
        }
    }

    private static long firstMissing(ThinDevice device, long from, long end) {
        long number = from;
        while (number < end && device.extents.region(number) != null) {
            number++;
        }
        return number;
    }

    /** One region for each task of the worker, so that others get their turn in between. */
    private void step(ThinDevice device, IoLoop asking, long number, long end, IntConsumer answered) {
        int errno = Errno.OK;
        try {
            // The volume may have shrunk.
            if (number * Region.BLOCKS < device.blocks()) {
                maps.load(device, number);
            }
        } catch (StorageException e) {
            // Nothing was half changed, so this is the error of the one who asked and of nobody else (D-8).
            LOG.warn("mappings of volume {} cannot be read: {}", device.name(), e.getMessage());
            errno = Errno.EIO;
        } catch (AssertionError | RuntimeException bug) {
            worker.failed(bug);
            errno = Errno.EIO;
        }
        long next = firstMissing(device, number + 1, end);
        if (errno == Errno.OK && next < end) {
            workerLoop.execute(() -> step(device, asking, next, end, answered));
        } else {
            int verdict = errno;
            asking.execute(() -> answered.accept(verdict));
        }
    }
}
