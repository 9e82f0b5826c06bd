package dev.gossamer.thin.map;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.MissingNodes;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Loads regions of extent maps, several at a time, while the worker goes on with other requests. Worker's thread.
 *
 * <ol>
 *   <li>Nodes of the mapping tree that the region needs and that are not cached are read, all of a level at once:
 *       mostly two to four leaves, since what is above them stays in the cache.
 *   <li>When nothing is missing any more, {@link MapPublisher#load} builds the region in one task, from the tree as it
 *       is then. What happened meanwhile (trim, snapshot, rollback, abort) has happened before that.
 *   <li>Whoever waited for the region is handed back, to be looked up again like any request, barriers and trims
 *       included.
 * </ol>
 *
 * <p>What could not be read ahead is read again by the load itself, which waits for it and reports what is wrong.
 *
 * <p>Reading ahead: a request for a region whose lower neighbour is known comes from somebody who goes upwards, so the
 * next {@link #REGIONS_AHEAD} are loaded as well. Random access to a map that is hardly known causes none of that.
 *
 * <p>Bounds: a load for each region that a request waits for, so no more than connections have requests under way;
 * those of {@link MapPrefetch}; and none is begun ahead of need while {@link MissingNodes#isFetchBusy reads wait in
 * line}.
 */
public final class RegionLoads {
    /**
     * Regions loaded ahead of need: with the one that is needed 160 MiB of 64 KiB blocks for one wait, and on the order
     * of ten leaves read in vain for somebody who stops there.
     */
    public static final int REGIONS_AHEAD = 4;

    /**
     * Levels of the two trees. If there is still something missing after so many, it has been evicted: the cache is
     * small.
     */
    private static final int MAX_ROUNDS = 8;

    private static final Logger LOG = LoggerFactory.getLogger(RegionLoads.class);

    private record Place(ThinDevice device, long regionNumber) {}

    /** A region on its way, and who waits for it: perhaps nobody. */
    private static final class Load {
        final Place place;
        final RequestQueue requests = new RequestQueue();
        final List<IntConsumer> others = new ArrayList<>(0);
        int rounds;

        Load(Place place) {
            this.place = place;
        }

        boolean isAwaited() {
            return !requests.isEmpty() || !others.isEmpty();
        }
    }

    private final PoolState state;
    private final WorkerQueue queue;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final MapPublisher maps;
    private final LimitedLog unreadable;
    private final Map<Place, Load> loads = new HashMap<>();
    private final MissingNodes missing = new MissingNodes();
    private boolean closed;
    private Runnable whenClosed = () -> {};

    public RegionLoads(
            PoolState state,
            WorkerQueue queue,
            PoolFaults faults,
            IoLoop loop,
            PoolMetadata metadata,
            MapPublisher maps) {
        this.state = state;
        this.queue = queue;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.maps = maps;
        this.unreadable = new LimitedLog(LOG, Level.WARN, "mappings unreadable", LogLimit.onePerSecond(), loop);
    }

    /** Keeps a request until its region, which is not loaded, is there; then it is looked up again, or gets EIO. */
    public void load(ThinDevice device, long regionNumber, BlockRequest request) {
        boolean upwards = regionNumber > 0 && isKnown(device, regionNumber - 1);
        Place place = new Place(device, regionNumber);
        Load load = loads.get(place);
        if (load != null) {
            load.requests.add(request);
        } else {
            load = begin(place);
            load.requests.add(request); // not before: what is thrown there is the caller's, who answers
            advance(load, true);
        }
        if (upwards) {
            loadAhead(device, regionNumber + 1);
        }
    }

    /**
     * Loads a region, which is not loaded, for somebody who is no request.
     *
     * @param whenLoaded told an errno, perhaps before this returns
     */
    public void load(ThinDevice device, long regionNumber, IntConsumer whenLoaded) {
        Place place = new Place(device, regionNumber);
        Load load = loads.get(place);
        if (load != null) {
            load.others.add(whenLoaded);
        } else {
            load = new Load(place);
            load.others.add(whenLoaded);
            begin(load);
            advance(load, true);
        }
    }

    /**
     * Begins nothing any more. Calls back, perhaps at once, when what is on its way has arrived: it may go into our
     * memory.
     */
    public void close(Runnable task) {
        closed = true;
        if (loads.isEmpty()) {
            task.run();
        } else {
            whenClosed = task;
        }
    }

    private boolean isKnown(ThinDevice device, long regionNumber) {
        return device.extents().region(regionNumber) != null || loads.containsKey(new Place(device, regionNumber));
    }

    private void loadAhead(ThinDevice device, long from) {
        long end = Math.min(from + REGIONS_AHEAD, ExtentMap.regionsFor(device.blocks()));
        for (long number = from; number < end && !missing.isFetchBusy(); number++) {
            if (!isKnown(device, number)) {
                advance(begin(new Place(device, number)), true);
            }
        }
    }

    private Load begin(Place place) {
        Load load = new Load(place);
        begin(load);
        return load;
    }

    private void begin(Load load) {
        try {
            loads.put(load.place, load);
        } catch (Throwable noMemory) {
            loads.remove(load.place); // a table that cannot grow has the entry by then
            throw noMemory;
        }
    }

    /** @param complete whether all that was fetched has come */
    private void advance(Load load, boolean complete) {
        ThinDevice device = load.place.device();
        int errno = Errno.OK;
        try {
            if (closed || state.mode() == PoolMode.FAIL || device.isBarred()) {
                errno = Errno.EIO;
            } else {
                long first = load.place.regionNumber() * Region.BLOCKS;
                metadata.findMissing(missing, device.id(), first, first + Region.BLOCKS);
                if (!missing.isEmpty() && complete && load.rounds < MAX_ROUNDS) {
                    load.rounds++;
                    missing.fetch(loop, arrivedAll -> advance(load, arrivedAll));
                    return;
                }
                // For nobody the worker does not wait.
                if (missing.isEmpty() || load.isAwaited()) {
                    maps.load(device, load.place.regionNumber());
                }
            }
        } catch (StorageException e) {
            errno = Errno.EIO;
            failed(load, e);
        } catch (RuntimeException | Error bug) {
            errno = Errno.EIO;
            faults.failed(bug);
        }
        finish(load, errno);
    }

    /** Nothing was half changed: the pool only minds if a request cannot be served; damage is noted (E-1, D-8). */
    private void failed(Load load, StorageException e) {
        if (!load.requests.isEmpty() || e instanceof MetadataCorrupt) {
            faults.failed(load.place.device(), e);
        } else if (load.isAwaited()) {
            unreadable.line(
                    "mappings of volume {} cannot be read: {}",
                    load.place.device().name(),
                    e.getMessage());
        }
    }

    private void finish(Load load, int errno) {
        loads.remove(load.place);
        queue.handBackAll(load.requests, errno == Errno.OK ? ServedDevice.SERVE_AGAIN : errno);
        for (IntConsumer other : load.others) {
            try {
                other.accept(errno);
            } catch (RuntimeException | Error bug) {
                faults.failed(bug);
            }
        }
        if (closed && loads.isEmpty()) {
            Runnable task = whenClosed;
            whenClosed = () -> {};
            task.run();
        }
    }
}
