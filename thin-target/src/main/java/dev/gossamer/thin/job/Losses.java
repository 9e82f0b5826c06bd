package dev.gossamer.thin.job;

import dev.gossamer.io.StorageException;
import dev.gossamer.thin.LostRange;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.metadata.BlockMoves;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a job finds that cannot be read: whose it is, and, once that has been given up, what is lost (RL-8). A lost
 * range is zeros from then on: the format cannot say of a block that it is unreadable. Each is written to the log,
 * which is the lasting record. Worker's thread.
 */
final class Losses {
    /** Ranges that the job tells; the log has all. */
    static final int MAX_TOLD = 1024;

    /** Ranges named in one message. */
    private static final int MAX_NAMED = 8;

    /** Unreadable blocks whose owners are looked for, for a message. */
    private static final int MAX_BLOCKS = 64;

    /** Unreadable blocks that are remembered; with so many the device is none to go on with. */
    static final int MAX_UNREADABLE = 65536;

    private static final Logger LOG = LoggerFactory.getLogger(Losses.class);

    private final MoveParts parts;
    private final PoolEvents events;
    private final OwnerNames names;
    private final int maxUnreadable;
    private final TreeMap<Long, Set<Long>> unreadable = new TreeMap<>();
    private final TreeMap<Long, Integer> errors = new TreeMap<>();
    private final List<LostRange> lost = new ArrayList<>();
    private long lostBytes;

    /** @param maxUnreadable with so many unreadable blocks it is full */
    Losses(MoveParts parts, PoolEvents events, int maxUnreadable) {
        this.parts = parts;
        this.maxUnreadable = maxUnreadable;
        this.events = events;
        this.names = new OwnerNames(parts.devices(), parts.metadata());
    }

    /** Notes a block that cannot be read, and stays where it is. */
    void unreadable(long dataBlock, Set<Long> places, int errno) {
        unreadable.put(dataBlock, places);
        errors.put(dataBlock, errno);
    }

    boolean isUnreadable(long dataBlock) {
        return unreadable.containsKey(dataBlock);
    }

    /** Whether no more can be remembered: the job ends with {@link #refusal}. */
    boolean isFull() {
        return unreadable.size() >= maxUnreadable;
    }

    boolean hasUnreadable() {
        return !unreadable.isEmpty();
    }

    /**
     * Refuses to go on: which ranges of which volumes are in what cannot be read, and the way out.
     *
     * @param accepted losses are, but the device does not read what is sound either
     */
    StorageException refusal(boolean accepted) throws StorageException {
        long blockBytes = parts.metadata().blockBytes();
        TreeMap<Long, Set<Long>> some = new TreeMap<>();
        unreadable.entrySet().stream().limit(MAX_BLOCKS).forEach(each -> some.put(each.getKey(), each.getValue()));
        BlockMoves moves = parts.metadata().references().moves();
        BlockMoves.Plan plan = moves.planSome(some);
        if (plan == null) {
            plan = moves.part(
                            some.firstKey(),
                            new TreeSet<>(some.firstEntry().getValue()),
                            BlockMoves.Position.START,
                            BlockMoves.MAX_WORK)
                    .plan();
        }
        List<BlockMoves.Owner> owners = plan.owners();
        return new StorageException(
                errors.firstEntry().getValue(),
                unreadable.size() + " block(s) cannot be read, the first at byte " + errors.firstKey() * blockBytes
                        + " of the data device; in them is data of "
                        + text(OwnerNames.joined(names.ranges(owners, 0, (int) blockBytes)))
                        + (unreadable.size() > MAX_BLOCKS ? " and others" : "")
                        + (accepted
                                ? "; the device reads nothing else just then either, so nothing is given up; see to it,"
                                        + " then start again"
                                : "; with --accept-losses what cannot be read of it is given up, and is zeros from then"
                                        + " on"));
    }

    /** Parts of blocks were given up, with all who had them. */
    void lost(List<LostRange> ranges) {
        List<LostRange> joined = OwnerNames.joined(ranges);
        for (LostRange range : joined) {
            LOG.error("lost, and zeros from now on: {}", range);
            lostBytes += range.lengthBytes();
            if (lost.size() < MAX_TOLD) {
                lost.add(range);
            }
        }
        if (!joined.isEmpty()) {
            events.add(PoolEvent.Kind.RANGES_LOST, "unreadable, given up, and zeros from now on: " + text(joined));
        }
    }

    /** All that was given up, of volumes by their names, as far as is told. */
    List<LostRange> lost() {
        return List.copyOf(lost);
    }

    /** What a result says of it; empty if nothing was lost. */
    String summary() {
        return lostBytes == 0 ? "" : "; " + lostBytes + " bytes of volumes are lost, and zeros: " + text(lost);
    }

    private static String text(List<LostRange> ranges) {
        String named = ranges.stream().limit(MAX_NAMED).map(LostRange::toString).collect(Collectors.joining(", "));
        return ranges.size() > MAX_NAMED ? named + " and " + (ranges.size() - MAX_NAMED) + " more" : named;
    }

    /** Parts of a block that were given up, as ranges of those who have it. */
    List<LostRange> ofOwners(List<BlockMoves.Owner> owners, List<BlockCopies.Lost> parts) {
        Map<Long, List<BlockMoves.Owner>> byBlock =
                owners.stream().collect(Collectors.groupingBy(BlockMoves.Owner::dataBlock));
        List<LostRange> ranges = new ArrayList<>();
        for (BlockCopies.Lost part : parts) {
            ranges.addAll(names.ranges(byBlock.getOrDefault(part.key(), List.of()), part.offset(), part.length()));
        }
        return ranges;
    }
}
