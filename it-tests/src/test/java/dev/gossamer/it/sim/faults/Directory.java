package dev.gossamer.it.sim.faults;

import dev.gossamer.daemon.cow.VirtualCow;
import dev.gossamer.it.sim.world.World;
import java.util.SplittableRandom;

/** The pool's directory in one life: now and then a file cannot be written, or is and says that it could not be. */
public final class Directory implements VirtualCow.Directory {
    private final Swarm swarm;
    private final FaultCounts counts;
    private final SplittableRandom chance;
    private boolean faulty = true;
    private boolean hasFailed;

    public Directory(World world, int lifeNumber, Swarm swarm, FaultCounts counts) {
        this.swarm = swarm;
        this.counts = counts;
        chance = world.streams().of("directory-" + lifeNumber);
    }

    /** From now on it can be written to. */
    public void heal() {
        faulty = false;
    }

    /** Whether anything of it could not be written in this life. */
    public boolean hasFailed() {
        return hasFailed;
    }

    @Override
    public VirtualCow.Writing next() {
        if (!faulty || !swarm.strikes(Swarm.Kind.DIRECTORY, chance)) {
            return VirtualCow.Writing.DONE;
        }
        hasFailed = true;
        VirtualCow.Writing writing =
                chance.nextBoolean() ? VirtualCow.Writing.FAILS : VirtualCow.Writing.DONE_BUT_FAILS;
        counts.count("file not written", writing.name());
        return writing;
    }
}
