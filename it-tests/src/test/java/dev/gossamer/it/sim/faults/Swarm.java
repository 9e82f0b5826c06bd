package dev.gossamer.it.sim.faults;

import dev.gossamer.it.sim.world.NetMood;
import dev.gossamer.it.sim.world.Streams;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The faults of one seed: each kind is on or off as a whole, and if it is on, has a rate of its own. */
public final class Swarm {
    /** What can be switched off when a failing history is made smaller. */
    public enum Kind {
        CUT(.9),
        KILL(.3),
        RESTART(.3),
        ERROR_ONCE(.15),
        FLUSH_FAILS(.2),
        BAD_RANGE(.06),
        FULL(.25),
        NET_CHOPS(.4),
        NET_RESETS(.4),
        SLOW_READER(.2),
        LIES(.15),
        STALL(.05),
        LEAP(.1),
        SMALL_BUFFERS(.2),
        SLOW_DISK(.3),
        REMOTE(.25),
        REMOTE_FAULTS(.7),
        STRAGGLERS(.3),
        LARGE_SECTORS(.2),
        FULL_FOR_EVER(.2),
        SCARCE_MEMORY(.2),
        CLASSIC(.35),
        DIRECTORY(.1),
        REMOTE_METADATA(.15);

        private final double chance;

        Kind(double chance) {
            this.chance = chance;
        }
    }

    private static final double NONE_AT_ALL = .1;

    private final EnumSet<Kind> kinds = EnumSet.noneOf(Kind.class);
    private final Map<Kind, Long> oneIn = new EnumMap<>(Kind.class);
    private final List<Integer> cuts = new ArrayList<>();
    private final List<Integer> kills = new ArrayList<>();
    private final NetMood net;
    private final long diskNanos;
    private final int loops;
    private final boolean ring;

    /** @param operations of the plan: cuts and kills lie among its first to last device operations */
    public Swarm(Streams streams, int operations) {
        SplittableRandom random = streams.of("faults");
        boolean none = random.nextDouble() < NONE_AT_ALL;
        for (Kind kind : Kind.values()) {
            SplittableRandom its = streams.of("fault-" + kind); // a new kind leaves the others as they are
            boolean on = its.nextDouble() < kind.chance;
            long rate = Streams.logUniform(its, 20, 600);
            boolean often = kind == Kind.REMOTE_FAULTS || kind == Kind.STRAGGLERS;
            boolean rare = kind == Kind.FLUSH_FAILS || kind == Kind.DIRECTORY; // there are few of them
            oneIn.put(kind, rare ? 1 + rate / 12 : often ? 5 + rate / 6 : rate);
            if (on && !none) {
                kinds.add(kind);
            }
        }
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            boolean soon = random.nextInt(10) < 3;
            cuts.add((int) Streams.logUniform(random, 1, soon ? 40 : operations));
        }
        for (int i = 1 + random.nextInt(2); i > 0; i--) {
            kills.add((int) Streams.logUniform(random, 1, operations));
        }
        int chop = (int) Streams.logUniform(random, 1, 4096);
        net = new NetMood(
                kinds.contains(Kind.NET_CHOPS) ? Math.max(chop, 16) : 0, Streams.logUniform(random, 1_000, 200_000));
        diskNanos = Streams.logUniform(random, 2_000, kinds.contains(Kind.SLOW_DISK) ? 5_000_000 : 100_000);
        loops = 1 + random.nextInt(3);
        ring = random.nextInt(3) > 0;
    }

    /** Takes a kind out of this seed. */
    public void switchOff(Kind kind) {
        kinds.remove(kind);
    }

    public boolean has(Kind kind) {
        return kinds.contains(kind);
    }

    /** Whether it happens now, if it is on at all. */
    public boolean strikes(Kind kind, SplittableRandom random) {
        return random.nextLong(oneIn.get(kind)) == 0 && kinds.contains(kind);
    }

    /** Lives end by a power cut after so many operations of the disks, one after the other. */
    public List<Integer> cuts() {
        return kinds.contains(Kind.CUT) ? cuts : List.of();
    }

    /** Likewise the process alone. */
    public List<Integer> kills() {
        return kinds.contains(Kind.KILL) ? kills : List.of();
    }

    public NetMood net() {
        return net;
    }

    /** Whether nothing holds up a request, or its reply, for seconds. */
    public boolean isPrompt() {
        return Collections.disjoint(
                kinds,
                EnumSet.of(
                        Kind.STALL,
                        Kind.LEAP,
                        Kind.SLOW_READER,
                        Kind.FULL,
                        Kind.REMOTE,
                        Kind.REMOTE_METADATA,
                        Kind.SCARCE_MEMORY,
                        Kind.NET_CHOPS,
                        Kind.STRAGGLERS,
                        Kind.SMALL_BUFFERS));
    }

    /** Mean latency. */
    public long diskNanos() {
        return diskNanos;
    }

    /** Whether loops serve sockets themselves, as io_uring lets them. */
    public boolean hasRing() {
        return ring;
    }

    public int loops() {
        return loops;
    }

    public EnumSet<Kind> kinds() {
        return kinds.clone();
    }

    @Override
    public String toString() {
        return kinds + " net=" + net + " disk=" + diskNanos + "ns loops=" + loops + " cuts=" + cuts();
    }
}
