package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobRequest;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.BlockMoves;
import dev.gossamer.thin.metadata.OwnerSearch;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.zip.CRC32C;

/**
 * Shares equal data blocks (DD-1, DD-2). Again and again: reads blocks and remembers their fingerprints, until the end
 * or until there are many candidates; finds where these are mapped; compares and merges them one by one.
 *
 * <p>Memory: a bit for each data block (20 MiB for 10 TiB of 64 KiB blocks), fingerprints in at most an eighth of the
 * heap and {@link #MAX_MEMORY_BYTES}, some MiB of candidates and their places: 256 MiB together. If there are more
 * fingerprints than that, all is read in several passes, each for a part of the fingerprints: 10 TiB in seven, or in 46
 * with a heap of 256 MiB.
 *
 * <p>Reading holds nothing: a block may be written or have another owner by then, and a fingerprint is but a hint.
 */
final class DedupeJob extends Job {
    /** Of fingerprints, 9.2 bytes each. */
    static final long MAX_MEMORY_BYTES = 216L << 20;

    /** Pairs that wait to be merged. */
    static final int MAX_CANDIDATES = 1 << 14;

    /** Mappings of these that are remembered: what has more is merged in several rounds. */
    static final int MAX_PLACES = 1 << 17;

    private static final int SEARCH_NODES = 64;
    private static final int QUEUED_BLOCKS = 64;
    private static final long STEP_BYTES = 4L << 20;

    /** A block with more places than this gets no more: they would have to be held all. */
    private static final int MAX_PLACES_OF_BLOCK = 256;

    /** Volumes that are named to people; of more they are told how many there are. */
    private static final int MAX_NAMED = 8;

    private static final long NANOS = 1_000_000_000L;

    /** Under which one of those blocks of zeros is noted that are not unmapped. */
    private static final long ZEROS = 0;

    private enum Stage {
        READ,
        LOCATE,
        MERGE
    }

    /**
     * A block that may have an equal.
     *
     * @param fingerprint of which the one that is kept is found, which is not always the first there was
     * @param isZeros to be unmapped, as it has no other
     */
    private record Candidate(long gone, long fingerprint, boolean isZeros) {}

    private final MoveParts parts;
    private final PoolMetadata metadata;
    private final BlockMerger merger;
    private final PartMover partMover;
    private final List<ThinDevice> chosen;
    private final boolean dryRun;
    private final long bytesPerSecond;
    private final int blockBytes;
    private final ReadPlan reading;
    private final OwnerSearch locating;
    private final Fingerprints fingerprints;
    private final int passes;
    private final ArrayDeque<Long> queue = new ArrayDeque<>();
    private final ArrayDeque<Candidate> candidates = new ArrayDeque<>();
    // Whose places there was no memory for, and zeros that are not unmapped: they wait for the next round.
    private final ArrayDeque<Candidate> later = new ArrayDeque<>();
    private final int maxPlaces;
    private final Map<Long, Set<Long>> places = new HashMap<>();
    // Of each of them one that was met.
    private final Map<Long, BlockMoves.Owner> owners = new HashMap<>();
    // With so many trees, or owners, that blocks are merged with some of their owners at a time; and the one that is.
    private boolean byParts;
    private PartMover.Block current;
    private final long totalBlocks;
    private Stage stage = Stage.READ;
    private int pass;
    private final DedupeTally tally = new DedupeTally();
    private int remembered;
    private long pauseNanos;

    /**
     * @param chosen those whose blocks are looked at, opened before it starts; none: all
     * @param memoryBytes what fingerprints may take
     * @param maxPlaces mappings that are remembered at a time, about
     */
    DedupeJob(MoveParts parts, DedupeSpec spec, List<ThinDevice> chosen, long memoryBytes, int maxPlaces) {
        super("dedupe", what(spec));
        this.parts = parts;
        this.maxPlaces = maxPlaces;
        this.metadata = parts.metadata();
        IntPredicate spared = id -> isSpared(parts, spec, id);
        this.merger = new BlockMerger(parts, spared);
        this.partMover = new PartMover(parts, spared);
        this.dryRun = spec.dryRun();
        this.bytesPerSecond = spec.bytesPerSecond();
        this.blockBytes = metadata.blockBytes();
        this.chosen = chosen;
        this.reading = new ReadPlan(parts, chosen, spared);
        this.locating = metadata.references().moves().search(parts::damaged);
        long mapped = chosen.stream().mapToLong(ThinDevice::mappedBlocks).sum();
        long used = Math.max(1, Math.min(metadata.dataBlocksUsed(), chosen.isEmpty() ? Long.MAX_VALUE : mapped));
        int entries = (int) Math.min(used, Fingerprints.entriesIn(memoryBytes));
        this.fingerprints = new Fingerprints(entries);
        this.passes = Math.toIntExact(Math.ceilDiv(used, (long) entries));
        this.totalBlocks = used * passes;
    }

    private static boolean isSpared(MoveParts parts, DedupeSpec spec, int deviceId) {
        ThinDevice device = parts.devices().withId(deviceId);
        return device != null && spec.spared().test(device.name());
    }

    private static String what(DedupeSpec spec) {
        int volumes = spec.volumes().size();
        String some = volumes > MAX_NAMED ? volumes + " volumes" : String.join(", ", spec.volumes());
        String of = volumes == 0 ? "the pool" : some;
        return spec.dryRun() ? of + ", a dry run" : of;
    }

    /** What a dedupe may take for fingerprints: an eighth of the heap, and no more than {@link #MAX_MEMORY_BYTES}. */
    static long memoryBytes() {
        return Math.min(Runtime.getRuntime().maxMemory() / 8, MAX_MEMORY_BYTES);
    }

    @Override
    protected long doneBytes() {
        return Math.min(tally.read, totalBlocks) * blockBytes;
    }

    @Override
    protected long totalBytes() {
        return totalBlocks * blockBytes;
    }

    @Override
    protected long pauseNanos() {
        return pauseNanos;
    }

    @Override
    protected boolean takesSpace() {
        return false;
    }

    @Override
    protected String message() {
        return tally.soFar() + (passes == 1 ? "" : "; pass " + Math.min(pass + 1, passes) + " of " + passes);
    }

    /** Who has asked for what a dry run finds is told that it was interrupted. */
    @Override
    protected JobRequest request() {
        List<Integer> ids = chosen.stream().map(ThinDevice::id).toList();
        return dryRun ? null : new JobRequest.Dedupe(ids, bytesPerSecond);
    }

    @Override
    protected String waitsFor() {
        return dryRun ? "" : parts.waitsForPins();
    }

    @Override
    protected void ended() {
        queue.clear();
        candidates.clear();
        later.clear();
        places.clear();
        owners.clear();
        current = null;
        chosen.forEach(ThinDevice::closeForJob);
    }

    @Override
    protected void step(StepEnd end) throws StorageException {
        pauseNanos = 0;
        switch (stage) {
            case READ -> readStep(end);
            case LOCATE -> locateStep(end);
            case MERGE -> mergeStep(end);
        }
    }

    // ---- reading ---------------------------------------------------------------------------------------------------

    private void readStep(StepEnd end) throws StorageException {
        if (!queue.isEmpty()) {
            long most = Math.max(1, STEP_BYTES / blockBytes);
            if (bytesPerSecond > 0) {
                pauseNanos = (long) ((double) Math.min(most, queue.size()) * blockBytes / bytesPerSecond * NANOS);
            }
            readNext(most, end);
        } else if (reading.isEnded() || candidates.size() >= MAX_CANDIDATES) {
            beginLocating();
            end.next();
        } else {
            reading.step(queue, QUEUED_BLOCKS);
            end.next();
        }
    }

    private void readNext(long blocksLeft, StepEnd end) {
        if (blocksLeft == 0 || queue.isEmpty() || isStopped()) {
            end.next();
            return;
        }
        long dataBlock = queue.poll();
        CRC32C first = new CRC32C();
        CRC32C second = new CRC32C();
        boolean[] zero = {true};
        parts.reads()
                .read(
                        dataBlock,
                        piece -> {
                            zero[0] &= BlockReads.isZero(piece);
                            ByteBuffer half = piece.duplicate();
                            half.limit(piece.capacity() / 2);
                            first.update(half);
                            half.limit(piece.capacity());
                            second.update(half);
                            return !isStopped();
                        },
                        errno -> {
                            // What waits for the end of the step must not wait for ever: the pool, to be closed.
                            try {
                                tally.read++;
                                if (errno == Errno.OK && !isStopped() && zero[0]) {
                                    noteZeros(dataBlock);
                                } else if (errno == Errno.OK && !isStopped()) {
                                    note((first.getValue() << Integer.SIZE) | second.getValue(), dataBlock);
                                }
                                readNext(blocksLeft - 1, end);
                            } catch (RuntimeException | Error bug) {
                                parts.faults().failed(bug);
                                end.failed(bug);
                            }
                        });
    }

    private void noteZeros(long dataBlock) {
        if (pass == 0) {
            tally.zeros++;
            if (!dryRun) {
                candidates.add(new Candidate(dataBlock, 0, true));
            }
        }
    }

    private void note(long fingerprint, long dataBlock) {
        if (Long.remainderUnsigned(fingerprint ^ (fingerprint >>> 29), passes) != pass) {
            return;
        }
        long first = fingerprints.putIfAbsent(fingerprint, dataBlock);
        if (first != Fingerprints.NONE) {
            tally.duplicates++;
            if (!dryRun) {
                candidates.add(new Candidate(dataBlock, fingerprint, false));
            }
        }
    }

    // ---- where candidates are mapped -------------------------------------------------------------------------------

    private void beginLocating() {
        locating.restart();
        remembered = 0;
        places.clear();
        owners.clear();
        stage = Stage.LOCATE;
    }

    private void locateStep(StepEnd end) throws StorageException {
        if (candidates.isEmpty() || locating.isEnded()) {
            stage = Stage.MERGE;
            end.next();
            return;
        }
        if (places.isEmpty()) {
            wanted().forEach(block -> places.put(block, new TreeSet<>()));
        }
        locating.step(0, metadata.dataBlocks(), SEARCH_NODES, owner -> {
            Set<Long> its = places.get(owner.dataBlock());
            if (its != null) {
                owners.putIfAbsent(owner.dataBlock(), owner);
            }
            if (its != null && its.size() <= MAX_PLACES_OF_BLOCK && its.add(owner.virtualBlock())) {
                remembered++;
            }
            return true;
        });
        while (remembered >= maxPlaces && candidates.size() > 1) {
            putHalfOff();
        }
        end.next();
    }

    /** The blocks that are to be located. */
    private Set<Long> wanted() {
        Set<Long> wanted = new HashSet<>();
        for (Candidate candidate : candidates) {
            wanted.add(candidate.gone);
            if (!candidate.isZeros) {
                wanted.add(kept(candidate));
            }
        }
        return wanted;
    }

    /** Leaves the latter half of the candidates to the next round, so that of the others all places are known. */
    private void putHalfOff() {
        for (int half = candidates.size() / 2; half > 0; half--) {
            later.addFirst(candidates.removeLast());
        }
        places.keySet().retainAll(wanted());
        owners.keySet().retainAll(places.keySet());
        remembered = places.values().stream().mapToInt(Set::size).sum();
    }

    private long kept(Candidate candidate) {
        return fingerprints.get(candidate.fingerprint);
    }

    // ---- merging ---------------------------------------------------------------------------------------------------

    private void mergeStep(StepEnd end) {
        if (current != null) {
            mergePart(end);
            return;
        }
        Candidate next = candidates.poll();
        if (next == null) {
            endOfRound(end);
        } else if (next.isZeros) {
            unmap(next.gone, end);
        } else {
            merge(next, kept(next), end);
        }
    }

    private void merge(Candidate next, long kept, StepEnd end) {
        Set<Long> goneAt = places.getOrDefault(next.gone, Set.of());
        Set<Long> keptAt = places.getOrDefault(kept, Set.of());
        if (kept == next.gone || goneAt.isEmpty() || keptAt.isEmpty() || goneAt.size() > MAX_PLACES_OF_BLOCK) {
            if (keptAt.isEmpty()) {
                fingerprints.replace(next.fingerprint, next.gone); // it is mapped no more: this one is the first now
            }
            tally.different++;
            end.next();
        } else if (goneAt.size() + keptAt.size() > MAX_PLACES_OF_BLOCK) {
            fingerprints.replace(next.fingerprint, next.gone);
            end.next();
        } else if (byParts) {
            current = PartMover.Block.toOther(owners.get(next.gone), goneAt, owners.get(kept));
            end.next();
        } else {
            merger.merge(next.gone, goneAt, kept, keptAt, new MergeEnd(end) {
                @Override
                public void done(boolean changed) {
                    noteMerged(changed, next.gone, kept);
                    end.next();
                }

                @Override
                public void tooManyOwners() {
                    byParts = true;
                    current = PartMover.Block.toOther(owners.get(next.gone), goneAt, owners.get(kept));
                    end.next();
                }
            });
        }
    }

    private void noteMerged(boolean changed, long gone, long kept) {
        Set<Long> goneAt = places.remove(gone);
        if (changed) {
            tally.merged++;
            places.get(kept).addAll(goneAt);
        } else {
            places.put(gone, goneAt);
            tally.different++;
        }
    }

    /** Some owners of one that has many, or of which there may be in very many trees. */
    private void mergePart(StepEnd end) {
        PartMover.Block block = current;
        partMover.step(block, new PartMover.Moved() {
            @Override
            public void done(int moved, boolean more) {
                if (!more) {
                    current = null;
                    noteMerged(block.isDone(), block.from(), block.witness().dataBlock());
                }
                end.next();
            }

            @Override
            public void unreadable(int errno) {
                throw new AssertionError("it is compared, not copied");
            }

            @Override
            public void failed(Throwable cause) {
                end.failed(cause);
            }
        });
    }

    private void unmap(long zero, StepEnd end) {
        merger.unmap(zero, places.getOrDefault(zero, Set.of()), new MergeEnd(end) {
            @Override
            public void done(boolean changed) {
                if (changed) {
                    tally.unmapped++;
                } else {
                    tally.different++;
                }
                end.next();
            }

            @Override
            public void tooManyOwners() {
                shareZeros(zero);
                end.next();
            }
        });
    }

    /** What cannot be unmapped of all who have it shares one block with others of its kind. */
    private void shareZeros(long zero) {
        tally.sharedZeros++;
        if (fingerprints.putIfAbsent(ZEROS, zero) != Fingerprints.NONE) {
            later.add(new Candidate(zero, ZEROS, false));
        }
    }

    /** Of what one step does. */
    private abstract static class MergeEnd implements BlockMerger.Merged {
        private final StepEnd end;

        MergeEnd(StepEnd end) {
            this.end = end;
        }

        @Override
        public void failed(Throwable cause) {
            end.failed(cause);
        }
    }

    private void endOfRound(StepEnd end) {
        places.clear();
        if (!later.isEmpty()) {
            candidates.addAll(later);
            later.clear();
            beginLocating();
            end.next();
        } else if (!reading.isEnded()) {
            stage = Stage.READ;
            end.next();
        } else if (++pass < passes) {
            fingerprints.clear();
            reading.restart();
            stage = Stage.READ;
            end.next();
        } else {
            end.done(dryRun ? tally.ofDryRun(passes, blockBytes) : tally.result(passes, blockBytes));
        }
    }
}
