package dev.gossamer.it.sim.faults;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.it.sim.world.Streams;
import dev.gossamer.it.sim.world.World;
import java.util.SplittableRandom;

/**
 * The heap of a life: at some allocation of some turn of its loops there is no memory, and perhaps none for what
 * handles that. Only in a program that {@link ScarceMemory} has loaded.
 */
public final class Heap implements World.OwnCode {
    /** There are thousands of turns in a story. */
    private static final int TURNS = 2;

    private static final int ALLOCATIONS_MAX = 40;

    private final World world;
    private final Swarm swarm;
    private final FaultCounts counts;
    private final SplittableRandom chance;
    private boolean scarce = true;
    private boolean armed;
    private boolean hasFailed;
    private OutOfMemoryError failure;

    public Heap(World world, int lifeNumber, Swarm swarm, FaultCounts counts) {
        this.world = world;
        this.swarm = swarm;
        this.counts = counts;
        chance = world.streams().of("heap-" + lifeNumber);
        world.watch(swarm.has(Swarm.Kind.SCARCE_MEMORY) ? this : World.OwnCode.NOTHING);
    }

    /** From now on there is enough. */
    public void heal() {
        scarce = false;
    }

    /** Whether there was too little in this life. */
    public boolean hasFailed() {
        return hasFailed || (armed && ScarceMemory.hasFailed()); // or in the turn that is going on
    }

    /** Where there was too little last; null if it was nowhere. */
    public OutOfMemoryError failure() {
        return failure;
    }

    /** Whether a fault is nothing but that. */
    public boolean explains(Throwable fault) {
        return hasFailed && fault instanceof OutOfMemoryError;
    }

    @Override
    public void entered() {
        if (scarce && chance.nextInt(TURNS) == 0 && swarm.strikes(Swarm.Kind.SCARCE_MEMORY, chance)) {
            armed = true;
            long inARow = chance.nextInt(3) > 0 ? 1 : 2 + chance.nextInt(2);
            ScarceMemory.failAt(Streams.logUniform(chance, 1, ALLOCATIONS_MAX), inARow);
        }
    }

    @Override
    public void left() {
        if (armed) {
            armed = false;
            ScarceMemory.end();
            if (ScarceMemory.hasFailed()) {
                hasFailed = true;
                failure = ScarceMemory.failure();
                String where = where();
                counts.count("no memory", where);
                world.note(22, where.hashCode(), 0, () -> "no memory in " + where);
            }
        }
    }

    /** The class in which it was missing first. */
    private String where() {
        for (StackTraceElement element : failure.getStackTrace()) {
            String name = element.getClassName();
            if (name.startsWith("dev.gossamer.") && !name.equals(ScarceMemory.class.getName())) {
                return name.replaceAll(".*\\.|\\$.*", "");
            }
        }
        return "elsewhere";
    }
}
