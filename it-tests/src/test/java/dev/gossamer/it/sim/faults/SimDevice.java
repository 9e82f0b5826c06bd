package dev.gossamer.it.sim.faults;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.it.sim.world.Streams;
import dev.gossamer.it.sim.world.World;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A disk as a life has it: slow, out of order, and failing as the {@link Swarm} says. What is under way when the life
 * ends has taken effect or not; a power cut then decides for each sector whether that lasts.
 */
public final class SimDevice extends ForwardingDevice implements SimulatedDisk.Timing {
    /** For so long nothing ends at most. */
    public static final long STALL_NANOS = 60_000_000_000L;

    /** So long one request takes now and then, while those that came after it are served. */
    private static final long STRAGGLER_NANOS = 2_000_000_000L;

    private static final int DATA = 1;

    private final String name;
    private final int number;
    private final SimulatedDisk disk;
    private final World world;
    private final World.Alive life;
    private final Swarm swarm;
    private final FaultCounts counts;
    private final SplittableRandom latency;
    private final SplittableRandom chance;
    private final Map<BlockOperation, Integer> underWay = new EnumMap<>(BlockOperation.class);
    private long badFrom;
    private long badTo;
    private Runnable flushFailed = () -> {};
    private boolean faulty = true;
    private boolean hasFailed;
    private boolean hasStalled;
    private boolean flushHasFailed;
    private boolean writeHasFailed;
    private long stalledUntilNanos;
    private int failingFlushes;

    /** @param lifeNumber gives each life draws of its own */
    public SimDevice(
            String name,
            int number,
            SimulatedDisk disk,
            World world,
            World.Alive life,
            int lifeNumber,
            Swarm swarm,
            FaultCounts counts) {
        super(disk);
        this.name = name;
        this.number = number;
        this.disk = disk;
        this.world = world;
        this.life = life;
        this.swarm = swarm;
        this.counts = counts;
        latency = world.streams().of("latency-" + name + lifeNumber);
        chance = world.streams().of("errors-" + name + lifeNumber);
        if (swarm.has(Swarm.Kind.BAD_RANGE) && chance.nextInt(3) == 0) {
            long blocks = disk.geometry().sizeBytes() / 65536;
            badFrom = (blocks / 8 + chance.nextLong(Math.max(1, blocks - blocks / 8))) * 65536;
            badTo = badFrom + 4096L * (1 + chance.nextInt(64));
        }
        disk.setTiming(this);
    }

    /** From now on nothing goes wrong. */
    public void heal() {
        faulty = false;
        badTo = 0;
        stalledUntilNanos = 0;
    }

    /** Runs the action when somebody hears that a FLUSH has failed. */
    public void onFlushFailure(Runnable action) {
        flushFailed = action;
    }

    /** Whether any request has failed in this life. */
    public boolean hasFailed() {
        return hasFailed;
    }

    /** Whether any request has been held up for longer than anybody waits. */
    public boolean hasStalled() {
        return hasStalled;
    }

    public boolean flushHasFailed() {
        return flushHasFailed;
    }

    public boolean writeHasFailed() {
        return writeHasFailed;
    }

    public Map<BlockOperation, Integer> underWay() {
        return underWay;
    }

    @Override
    public void submit(BlockRequest request) {
        BlockOperation operation = request.operation();
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        world.note(
                number > DATA ? 30 : 2 + number,
                offset,
                length,
                () -> name + " " + operation + " " + offset + "+" + length);
        Fate fate = fate(request);
        request.push((done, errno) -> {
            underWay.merge(operation, -1, Integer::sum);
            int told = fate == Fate.SERVED || errno != Errno.OK ? errno : Errno.EIO;
            if (told != Errno.OK && operation == BlockOperation.FLUSH) {
                failingFlushes -= fate == Fate.FAILS ? 1 : 0;
                flushFailed.run();
            }
            world.note(
                    number > DATA ? 31 : 4 + number,
                    offset,
                    told,
                    () -> name + " " + operation + " " + offset + " -> " + told);
            done.complete(told);
        });
        underWay.merge(operation, 1, Integer::sum);
        if (fate == Fate.FAILS) {
            if (operation == BlockOperation.FLUSH) {
                failingFlushes++;
                disk.failFlush(chance);
            }
            effect(request, () -> request.complete(Errno.EIO));
        } else {
            disk.submit(request);
        }
    }

    private enum Fate {
        SERVED,
        FAILS,
        DONE_BUT_FAILS
    }

    private Fate fate(BlockRequest request) {
        if (!faulty) {
            return Fate.SERVED;
        }
        BlockOperation operation = request.operation();
        boolean flush = operation == BlockOperation.FLUSH;
        boolean bad = badTo > 0
                && !flush
                && request.offsetBytes() < badTo
                && request.offsetBytes() + request.lengthBytes() > badFrom;
        boolean fails = bad
                || (flush
                        ? swarm.strikes(Swarm.Kind.FLUSH_FAILS, chance)
                        : swarm.strikes(Swarm.Kind.ERROR_ONCE, chance));
        if (flush) {
            // One at a time, as those of a real device are made: who overlaps one that fails hears of it too.
            boolean alone = underWay.getOrDefault(BlockOperation.FLUSH, 0) == 0;
            fails = failingFlushes > 0 || (fails && alone);
        }
        if (!fails) {
            return Fate.SERVED;
        }
        counts.count(bad ? "bad range" : flush ? "flush fails" : "error once", operation);
        hasFailed = true;
        flushHasFailed |= flush || request.hasFlag(BlockRequest.FUA);
        writeHasFailed |= operation != BlockOperation.READ;
        boolean write = operation == BlockOperation.WRITE || operation == BlockOperation.WRITE_ZEROES;
        return write && chance.nextBoolean() ? Fate.DONE_BUT_FAILS : Fate.FAILS;
    }

    @Override
    public void effect(BlockRequest request, Runnable task) {
        long more = 0;
        if (faulty && straggles(request)) {
            counts.count("straggler", request.operation());
            more = Streams.logUniform(latency, STRAGGLER_NANOS / 1000, STRAGGLER_NANOS);
        }
        later(request, more, task);
    }

    @Override
    public void completion(BlockRequest request, Runnable task) {
        later(request, 0, task);
    }

    private void later(BlockRequest request, long moreNanos, Runnable task) {
        if (request.loop() instanceof InlineLoop) {
            task.run(); // whoever waits for it lets no time pass
            return;
        }
        if (faulty && swarm.strikes(Swarm.Kind.STALL, chance)) {
            stalledUntilNanos = world.nowNanos() + chance.nextLong(STALL_NANOS);
            hasStalled = true;
            counts.count("stall", request.operation());
        }
        long mean = swarm.diskNanos();
        long delay = latency.nextInt(20) == 0 ? latency.nextLong(30 * mean) : latency.nextLong(mean);
        long atNanos = Math.max(world.nowNanos() + delay + moreNanos, stalledUntilNanos);
        world.after(atNanos - world.nowNanos(), life, () -> request.loop().execute(task));
    }

    /** Reads and writes of data alone: commits have many others behind them. */
    private boolean straggles(BlockRequest request) {
        boolean transfer = request.operation() == BlockOperation.READ || request.operation() == BlockOperation.WRITE;
        boolean waits = request.loop() instanceof InlineLoop;
        return number == DATA && transfer && !waits && swarm.strikes(Swarm.Kind.STRAGGLERS, chance);
    }

    @Override
    public String toString() {
        return name;
    }
}
