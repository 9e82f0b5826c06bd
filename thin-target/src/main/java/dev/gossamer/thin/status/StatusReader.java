package dev.gossamer.thin.status;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.btree.TreeDifference;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusExtents;
import dev.gossamer.thin.StatusKind;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.MappingWalk;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Answers {@link StatusQuery}s from the mapping tree. On the worker's loop, but for {@link #ask}.
 *
 * <p>A query is one task of the loop, so nothing changes while it is answered, and all its answers show one state
 * (T45). To keep others from waiting it stops after some nodes or some time, with what it has by then; the client asks
 * again from there. Queries take turns, one in a turn of the loop; after each the loop is left to others for as long as
 * the query took, or a tenth of a second. So queries have half of the worker at most, however many are asked. As many
 * wait as there are connections: each asks one at a time.
 */
public final class StatusReader {
    /** Nodes that a query may look into, all its questions together. From the cache they take some 10 ms. */
    private static final int MAX_NODES = 1024;

    /** Time is looked at after so many nodes; that much each question gets in any case. */
    private static final int NODES_PER_STEP = 16;

    /** After this no further step is begun (T44): some ten thousand extents, and a write hardly notices it. */
    private static final long MAX_NANOS = 500_000;

    /** A query that waited for a disk, or met a leap of the clock, did not work for so long: others wait no longer. */
    private static final long MAX_PAUSE_NANOS = 100_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(StatusReader.class);

    private final PoolState state;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    // Clients decide how often they ask for what cannot be read.
    private final LimitedLog unreadable;
    private final ArrayDeque<Asked> waiting = new ArrayDeque<>();
    // From the first query until the pause after the last one is over.
    private boolean busy;
    private long beganNanos;

    private record Asked(ThinDevice device, StatusQuery query) {}

    public StatusReader(PoolState state, PoolFaults faults, IoLoop loop, PoolMetadata metadata) {
        this.state = state;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.unreadable = new LimitedLog(LOG, Level.WARN, "status unreadable", LogLimit.onePerSecond(), loop);
    }

    /** Answers a query later. Any thread. */
    public void ask(ThinDevice device, StatusQuery query) {
        Asked asked = new Asked(device, query);
        loop.execute(() -> {
            try {
                waiting.add(asked);
            } catch (RuntimeException | Error noRoom) {
                loop.faults().caught(noRoom);
                query.complete(Errno.EIO);
                return;
            }
            if (!busy) {
                nextTurn();
            }
        });
    }

    private void nextTurn() {
        try {
            turn();
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            busy = false;
            // Nobody would come back for them.
            for (Asked each = waiting.poll(); each != null; each = waiting.poll()) {
                each.query.complete(Errno.EIO);
            }
        }
    }

    private void turn() {
        Asked asked = waiting.peek();
        busy = asked != null;
        if (busy) {
            beganNanos = loop.nanoTime();
            waiting.remove();
            answer(asked.device, asked.query);
            long tookNanos = loop.nanoTime() - beganNanos;
            if (tookNanos > 0) {
                loop.schedule(this::nextTurn, Math.min(tookNanos, MAX_PAUSE_NANOS));
            } else {
                loop.execute(this::nextTurn);
            }
        }
    }

    private void answer(ThinDevice device, StatusQuery query) {
        int errno;
        try {
            errno = collect(device, query);
        } catch (MetadataCorrupt e) {
            damaged(device, query, e);
            errno = Errno.EIO;
        } catch (StorageException e) {
            // Nothing was half changed, so this is the error of the one who asked and of nobody else (D-8).
            unreadable.line("status of volume {} cannot be read: {}", device.name(), e.getMessage());
            errno = Errno.EIO;
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            errno = Errno.EIO;
        }
        query.complete(errno);
    }

    /** Damage was met: whose it is, is looked for, as a comparison goes through two volumes' mappings. */
    private void damaged(ThinDevice device, StatusQuery query, MetadataCorrupt met) {
        boolean found = note(device, query.offsetBytes());
        for (int i = 0; i < query.contexts(); i++) {
            if (query.context(i).base() instanceof ThinDevice base) {
                found |= note(base, query.offsetBytes());
            }
        }
        if (!found) {
            unreadable.line("status of volume {} cannot be read: {}", device.name(), met.getMessage());
        }
    }

    private boolean note(ThinDevice device, long fromBytes) {
        try {
            MappingWalk walk = metadata.walk(device.id(), fromBytes / device.blockBytes());
            while (walk.next() && walk.leavesRead() <= MAX_NODES) {
                walk.isShared();
            }
            return false;
        } catch (StorageException e) {
            faults.failed(device, e);
            return true;
        }
    }

    private int collect(ThinDevice device, StatusQuery query) throws StorageException {
        if (state.mode() == PoolMode.FAIL) {
            return Errno.EIO;
        }
        long offset = query.offsetBytes();
        long length = query.lengthBytes();
        int contexts = query.contexts();
        if (offset < 0 || length <= 0 || length > device.sizeBytes() - offset || contexts == 0) {
            return Errno.EINVAL;
        }
        long toBlock = (offset + length + device.blockBytes() - 1) / device.blockBytes();
        for (int i = 0; i < contexts; i++) {
            StatusContext context = query.context(i);
            if (context.volumeId() != device.id()) {
                return Errno.EINVAL;
            }
            StatusExtents answer = query.beginAnswer(i);
            if (context.kind() == StatusKind.CHANGED_SINCE) {
                difference(device, context.base(), toBlock, answer, MAX_NODES / contexts);
            } else {
                walk(device, context.kind(), toBlock, answer, MAX_NODES / contexts);
            }
        }
        return Errno.OK;
    }

    private void walk(ThinDevice device, StatusKind kind, long toBlock, StatusExtents answer, int maxNodes)
            throws StorageException {
        long blockBytes = device.blockBytes();
        MappingWalk walk = metadata.walk(device.id(), answer.position() / blockBytes);
        int stepEnd = NODES_PER_STEP;
        while (walk.next() && walk.virtualBlock() < toBlock) {
            long block = walk.virtualBlock();
            if (walk.leavesRead() > stepEnd) {
                if (stepEnd >= maxNodes || isLate()) {
                    return;
                }
                stepEnd += NODES_PER_STEP;
            }
            if (!unmappedUpTo(device, kind, answer, block * blockBytes)
                    || !answer.upTo((block + 1) * blockBytes, mappedFlags(kind, walk))) {
                return;
            }
        }
        unmappedUpTo(device, kind, answer, toBlock * blockBytes);
    }

    /** Nothing is mapped up to there: an external origin shows through as far as it reaches, then zeros do (N-3). */
    private static boolean unmappedUpTo(ThinDevice device, StatusKind kind, StatusExtents answer, long toBytes) {
        OriginImage origin = device.externalOrigin();
        if (origin != null) {
            int flags = kind == StatusKind.DEPTH ? StatusKind.DEPTH_SHARED : 0;
            if (!answer.upTo(Math.min(toBytes, origin.sizeBytes()), flags)) {
                return false;
            }
        }
        return answer.upTo(toBytes, unmappedFlags(kind));
    }

    private static int unmappedFlags(StatusKind kind) {
        return switch (kind) {
            case ALLOCATION -> StatusKind.HOLE | StatusKind.ZERO;
            case DEPTH -> StatusKind.DEPTH_UNMAPPED;
            case SHARED, CHANGED_SINCE -> 0;
        };
    }

    private static int mappedFlags(StatusKind kind, MappingWalk walk) throws StorageException {
        return switch (kind) {
            case DEPTH -> walk.isShared() ? StatusKind.DEPTH_SHARED : StatusKind.DEPTH_PRIVATE;
            case SHARED -> walk.isShared() ? StatusKind.IS_SHARED : 0;
            case ALLOCATION, CHANGED_SINCE -> 0;
        };
    }

    private void difference(
            ThinDevice device, StatusContext.Base base, long toBlock, StatusExtents answer, int maxNodes)
            throws StorageException {
        long blockBytes = device.blockBytes();
        // Where the base has already ended, or ends inside a block, there is nothing to be equal to.
        long baseBlocks = device.sizeBytes() > base.sizeBytes() ? base.sizeBytes() / blockBytes : toBlock;
        long common = Math.min(baseBlocks, toBlock);
        long from = answer.position() / blockBytes;
        int nodes = 0;
        while (from < common) {
            TreeDifference found =
                    metadata.compare(device.id(), base.id(), from, common, StatusQuery.MAX_EXTENTS, NODES_PER_STEP);
            for (int i = 0; i < found.ranges(); i++) {
                if (!answer.upTo(found.from(i) * blockBytes, 0)
                        || !answer.upTo(found.to(i) * blockBytes, StatusKind.IS_CHANGED)) {
                    return;
                }
            }
            from = found.doneTo();
            if (!answer.upTo(from * blockBytes, 0)) {
                return;
            }
            nodes += found.nodesRead();
            if (from < common && (nodes >= maxNodes || isLate())) {
                return;
            }
        }
        answer.upTo(toBlock * blockBytes, StatusKind.IS_CHANGED);
    }

    private boolean isLate() {
        return loop.nanoTime() - beganNanos >= MAX_NANOS;
    }
}
