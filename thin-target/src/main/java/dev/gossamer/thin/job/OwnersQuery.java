package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.OwnerSearch;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/**
 * Tells who has the blocks of a part of the data device, while all are used: a search in bounded steps, then a look at
 * all devices for a few blocks at a time. What is told of a block was so at one moment. Worker's thread.
 */
public final class OwnersQuery {
    /** Mappings told at most: some MiB of answer. */
    public static final int MAX_MAPPINGS = 1 << 16;

    private static final int SEARCH_NODES = 64;
    private static final int BATCH_BLOCKS = 64;

    private final MoveParts parts;
    private final Jobs jobs;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final OwnerNames names;
    private final long from;
    private final long to;
    private final CompletableFuture<List<OwnedRun>> answer = new CompletableFuture<>();
    private final TreeMap<Long, Set<Long>> places = new TreeMap<>();
    private final List<BlockMoves.Owner> owners = new ArrayList<>();
    private final OwnerSearch search;
    private final Set<Integer> damaged = new TreeSet<>();
    private int found;
    // A block with too many owners for one look, and how far all devices were looked at for it.
    private Map.Entry<Long, Set<Long>> many;
    private BlockMoves.Position manyFrom;
    private long stepSince;

    /** Of the bytes from {@code offsetBytes} on, as far out as whole blocks reach. */
    public OwnersQuery(MoveParts parts, Jobs jobs, long offsetBytes, long lengthBytes) {
        this.parts = parts;
        this.jobs = jobs;
        this.loop = parts.loop();
        this.metadata = parts.metadata();
        this.names = new OwnerNames(parts.devices(), metadata);
        this.search = metadata.references().moves().search(this::damaged);
        long blockBytes = metadata.blockBytes();
        this.from = offsetBytes / blockBytes;
        this.to = Math.ceilDiv(offsetBytes + lengthBytes, blockBytes);
    }

    /** Asks, once. Any thread. */
    public CompletableFuture<List<OwnedRun>> ask() {
        loop.execute(this::step);
        return answer;
    }

    private void step() {
        try {
            stepSince = loop.nanoTime();
            jobs.checkOpen(); // the metadata may be closed
            if (!search.isEnded()) {
                search.step(from, to, SEARCH_NODES, this::note);
            } else if (many != null) {
                lookAtMany();
            } else if (!places.isEmpty()) {
                look();
            } else {
                answer.complete(runs());
                return;
            }
            if (found > MAX_MAPPINGS) {
                throw new StorageException(
                        Errno.EINVAL, "more than " + MAX_MAPPINGS + " mappings lead there; ask for a smaller part");
            }
            // Clients have half of the worker's time, as beside a job.
            loop.schedule(this::step, Math.max(Pace.LEAST_NANOS, loop.nanoTime() - stepSince));
        } catch (StorageException | RuntimeException | Error e) {
            answer.completeExceptionally(e);
        }
    }

    private void damaged(int deviceId, MetadataCorrupt damage) {
        parts.damaged(deviceId, damage);
        damaged.add(deviceId);
    }

    private boolean note(BlockMoves.Owner owner) {
        if (places.computeIfAbsent(owner.dataBlock(), block -> new TreeSet<>()).add(owner.virtualBlock())) {
            found++;
        }
        return true;
    }

    private void look() throws StorageException {
        TreeMap<Long, Set<Long>> batch = new TreeMap<>();
        while (batch.size() < BATCH_BLOCKS && !places.isEmpty()) {
            Map.Entry<Long, Set<Long>> next = places.pollFirstEntry();
            batch.put(next.getKey(), next.getValue());
        }
        SortedMap<Long, Set<Long>> asked = new TreeMap<>(batch);
        BlockMoves.Plan plan = metadata.references().moves().planSome(asked);
        batch.keySet().removeAll(asked.keySet());
        places.putAll(batch);
        if (plan == null) {
            many = asked.firstEntry();
            manyFrom = BlockMoves.Position.START;
        } else {
            add(plan);
        }
    }

    private void lookAtMany() throws StorageException {
        BlockMoves moves = metadata.references().moves();
        BlockMoves.Part part = moves.part(many.getKey(), new TreeSet<>(many.getValue()), manyFrom, BlockMoves.MAX_WORK);
        add(part.plan());
        manyFrom = part.next();
        many = manyFrom == null ? null : many;
    }

    private void add(BlockMoves.Plan plan) {
        plan.damaged().forEach(this::damaged);
        owners.addAll(plan.owners());
        found = Math.max(found, owners.size());
    }

    private List<OwnedRun> runs() {
        owners.sort(Comparator.comparingInt(BlockMoves.Owner::deviceId)
                .thenComparingLong(BlockMoves.Owner::dataBlock)
                .thenComparingLong(BlockMoves.Owner::virtualBlock));
        long blockBytes = metadata.blockBytes();
        List<OwnedRun> runs = new ArrayList<>();
        for (BlockMoves.Owner owner : owners) {
            OwnedRun last = runs.isEmpty() ? null : runs.getLast();
            long data = owner.dataBlock() * blockBytes;
            long at = owner.virtualBlock() * blockBytes;
            String name = names.of(owner.deviceId());
            if (last != null
                    && last.owner().equals(name)
                    && last.dataOffset() + last.lengthBytes() == data
                    && last.volumeOffset() + last.lengthBytes() == at) {
                runs.removeLast();
                runs.add(new OwnedRun(name, last.dataOffset(), last.lengthBytes() + blockBytes, last.volumeOffset()));
            } else {
                runs.add(new OwnedRun(name, data, blockBytes, at));
            }
        }
        for (int id : damaged) {
            String name = names.of(id);
            runs.add(new OwnedRun("<" + name + ", damaged: it may have more>", from * blockBytes, 0, 0));
        }
        runs.sort(Comparator.comparingLong(OwnedRun::dataOffset).thenComparing(OwnedRun::owner));
        return runs;
    }
}
