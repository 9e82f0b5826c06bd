package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.sim.SimLoops;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongPredicate;

/**
 * What lies between several simulated machines and the disks that they share. A request takes a while on the way there
 * and back, and is carried out whatever its sender does meanwhile, even stand still or die. The time is everybody's.
 *
 * <p>What a thread waits for in place is carried out at once.
 */
final class SimNetwork implements AutoCloseable {
    private record Event(long atNanos, long number, Runnable task) {}

    private final SplittableRandom random;
    private final long longestNanos;
    private long leastNanos;
    private long usualNanos;
    private final SimLoops loops = new SimLoops(0, 1, 1 << 24);
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::atNanos).thenComparingLong(Event::number));
    private long nowNanos;
    private long eventsMade;

    SimNetwork(SplittableRandom random) {
        this(random, 10_000_000, 1_500_000_000);
    }

    /**
     * @param usualNanos what a request may take on its way there, and its answer back
     * @param longestNanos what it takes now and then, at most
     */
    SimNetwork(SplittableRandom random, long usualNanos, long longestNanos) {
        this.random = random;
        this.usualNanos = usualNanos;
        this.longestNanos = longestNanos;
    }

    /** From now on a request takes at least so long there, and its answer back. */
    void slowDown(long newLeastNanos, long newUsualNanos) {
        leastNanos = newLeastNanos;
        usualNanos = newUsualNanos;
    }

    long nanoTime() {
        return nowNanos;
    }

    /** Time passes. */
    void advance(long nanos) {
        nowNanos += nanos;
        while (!events.isEmpty() && events.peek().atNanos <= nowNanos) {
            events.poll().task.run();
        }
    }

    private void after(long nanos, Runnable task) {
        events.add(new Event(nowNanos + nanos, eventsMade++, task));
    }

    private long delayNanos() {
        return leastNanos
                + random.nextLong(random.nextInt(30) == 0 ? longestNanos - leastNanos : usualNanos - leastNanos);
    }

    /**
     * One machine's way to a disk.
     *
     * @param changes told of each change when it is carried out: its offset
     */
    Way wayTo(BlockDevice disk, Consumer<Long> changes) {
        return new Way(disk, changes);
    }

    /** A connection. */
    final class Way implements BlockDevice {
        private final BlockDevice disk;
        private final Consumer<Long> changes;
        // Sent and not carried out yet, in the order of sending.
        private final Set<Runnable> underWay = new LinkedHashSet<>();

        private boolean silent;
        private LongPredicate held = place -> false;
        private Consumer<BlockRequest> watcher = request -> {};

        private Way(BlockDevice disk, Consumer<Long> changes) {
            this.disk = disk;
            this.changes = changes;
        }

        @Override
        public BlockGeometry geometry() {
            return disk.geometry();
        }

        @Override
        public void submit(BlockRequest request) {
            watcher.accept(request);
            boolean change = request.operation() != BlockOperation.READ && request.operation() != BlockOperation.FLUSH;
            if (request.loop() instanceof InlineLoop) {
                if (change) {
                    changes.accept(request.offsetBytes());
                }
                disk.submit(request);
                return;
            }
            if (silent) {
                return;
            }
            byte[] sent = request.operation() == BlockOperation.WRITE ? dataOf(request) : null;
            Runnable arrival = () -> carryOut(request, change, sent);
            underWay.add(arrival);
            if (!change || !held.test(request.offsetBytes())) {
                send(arrival);
            }
        }

        private void send(Runnable arrival) {
            after(delayNanos(), () -> {
                if (underWay.remove(arrival)) {
                    arrival.run();
                }
            });
        }

        /** Told of everything that is sent. */
        void watch(Consumer<BlockRequest> newWatcher) {
            watcher = newWatcher;
        }

        /** Changes at these places stay on the way until they are let go. */
        void hold(LongPredicate places) {
            held = places;
        }

        void letGo() {
            held = place -> false;
            List.copyOf(underWay).forEach(this::send);
        }

        /** Nothing that is sent from now on arrives, and nobody tells. */
        void silence() {
            silent = true;
        }

        /** The sender has died, and its connection with it: the first of what it has sent arrive, the rest is lost. */
        void hangUp() {
            int arriving = random.nextInt(underWay.size() + 1);
            for (Runnable arrival : List.copyOf(underWay).subList(0, arriving)) {
                arrival.run();
            }
            underWay.clear();
        }

        private byte[] dataOf(BlockRequest request) {
            byte[] data = new byte[(int) request.lengthBytes()];
            request.buffer().bytes().get(request.bufferOffsetBytes(), data);
            return data;
        }

        private void carryOut(BlockRequest request, boolean change, byte[] sent) {
            if (change) {
                changes.accept(request.offsetBytes());
            }
            loops.enter(0, () -> {
                BlockRequest copy = loops.loop(0).requests().acquire();
                IoBuffer buffer = request.buffer() == null
                        ? null
                        : loops.loop(0).buffers().acquire((int) request.lengthBytes());
                if (buffer == null) {
                    copy.command(request.operation(), request.offsetBytes(), request.lengthBytes(), request.flags());
                } else {
                    if (sent != null) {
                        buffer.bytes().put(0, sent);
                    }
                    int length = (int) request.lengthBytes();
                    copy.transfer(request.operation(), request.offsetBytes(), length, request.flags(), buffer, 0);
                }
                copy.push((done, errno) -> answer(request, done, errno));
                disk.submit(copy);
            });
            loops.runUntilIdle();
        }

        private void answer(BlockRequest request, BlockRequest done, int errno) {
            byte[] found = request.operation() == BlockOperation.READ ? dataOf(done) : null;
            if (done.buffer() != null) {
                done.buffer().release();
            }
            done.recycle();
            after(delayNanos(), () -> request.loop().execute(() -> {
                if (found != null) {
                    request.buffer().bytes().put(request.bufferOffsetBytes(), found);
                }
                request.complete(errno);
            }));
        }

        @Override
        public void close() {
            // The disk is everybody's.
        }

        @Override
        public String toString() {
            return disk.toString();
        }
    }

    @Override
    public void close() {
        loops.close();
    }
}
