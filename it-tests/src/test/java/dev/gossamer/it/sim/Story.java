package dev.gossamer.it.sim;

import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.it.sim.faults.FaultCounts;
import dev.gossamer.it.sim.faults.Swarm;
import dev.gossamer.it.sim.faults.Swarm.Kind;
import dev.gossamer.it.sim.judge.Excuses;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.judge.Witness;
import dev.gossamer.it.sim.load.Administrator;
import dev.gossamer.it.sim.load.Auditor;
import dev.gossamer.it.sim.load.CowDesk;
import dev.gossamer.it.sim.load.Op;
import dev.gossamer.it.sim.load.Plan;
import dev.gossamer.it.sim.load.Users;
import dev.gossamer.it.sim.world.GoldenImage;
import dev.gossamer.it.sim.world.Life;
import dev.gossamer.it.sim.world.Trace;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/** One plan under one swarm of faults, from the first start of the daemon to its last stop. */
@SuppressWarnings("EnumOrdinal") // for the history alone
final class Story implements Excuses {
    static final long VOLUME_BYTES_MAX = 16L * Machine.BLOCK_BYTES;
    private static final int ROOMY_BLOCKS = 320;
    private static final int TIGHT_BLOCKS = 26;
    private static final long OPEN_NANOS = 120_000_000_000L;
    private static final long SERVED_NANOS = 90_000_000_000L;
    private static final long STOPPED_NANOS = 30_000_000_000L;
    private static final long GRACE_MILLIS = 10_000;
    private static final long IMAGE_GAP = 10;
    private static final long STEPS_MAX = 20_000_000;

    private final long seed;
    private final Swarm swarm;
    private final World world;
    private final Machine machine;
    private final Judge judge;
    private final Users users;
    private final Administrator administrator;
    private final CowDesk classic;
    private final FaultCounts counts = new FaultCounts();
    private final SplittableRandom chance;
    private final SplittableRandom survival;
    private final SplittableRandom images;
    private final List<Auditor> looks = new ArrayList<>();
    private final boolean fullForEver;
    private final ArrayDeque<Op> ops;
    private final ArrayDeque<Integer> cuts;
    private final ArrayDeque<Integer> kills;
    private Life life;
    private Hardware hardware;
    private int lives;
    private int imageCount;
    private long nextImageAt;
    private int cutCount;
    private int killCount;
    private long killAt;
    private boolean opsAreDue;
    private boolean stopping;
    private boolean restartWanted;
    // Once a device has failed, the pool may be in a mode that outlives the daemon.
    private boolean everFailed;

    Story(long seed, Plan plan, Swarm swarm, Trace trace) {
        this.seed = seed;
        this.swarm = swarm;
        world = new World(seed, trace);
        boolean large = swarm.has(Kind.LARGE_SECTORS) && !swarm.has(Kind.REMOTE);
        machine = new Machine(swarm.has(Kind.FULL) ? TIGHT_BLOCKS : ROOMY_BLOCKS, large ? 4096 : 512);
        judge = new Judge(Machine.BLOCK_BYTES, VOLUME_BYTES_MAX);
        judge.setExcuses(this);
        users = new Users(world, judge, swarm, counts, plan);
        administrator = new Administrator(
                world,
                judge,
                Machine.BLOCK_BYTES,
                VOLUME_BYTES_MAX,
                () -> deviceFailed() || spaceIsShort(),
                swarm.isPrompt());
        classic = new CowDesk(world, judge, () -> deviceFailed() || classicMayFail(), Machine.ORIGIN_BYTES);
        users.avoid(volume -> administrator.isTaken(volume) || classic.isTaken(volume));
        administrator.whenCopied(this::lookAt);
        fullForEver = swarm.has(Kind.FULL_FOR_EVER);
        chance = world.streams().of("story");
        survival = world.streams().of("survival");
        images = world.streams().of("images");
        ops = new ArrayDeque<>(plan.ops());
        cuts = new ArrayDeque<>(swarm.cuts());
        kills = new ArrayDeque<>(swarm.kills());
    }

    Verdict tell() {
        Violation violation = null;
        try {
            while (liveOnce()) {
                // until the end of the plan
            }
        } catch (Violation found) {
            violation = found;
        } catch (RuntimeException | Error found) {
            violation = new Violation(Oracle.EXCEPTION, found.toString(), found);
        } finally {
            if (violation != null && hardware != null && hardware.noMemory() != null) {
                violation.addSuppressed(hardware.noMemory());
            }
            if (life != null) {
                life.end();
            }
        }
        return new Verdict(
                seed,
                violation,
                world.trace().hash(),
                world.steps(),
                machine.power.operations(),
                judge.answers(),
                lives,
                cutCount,
                imageCount,
                killCount,
                counts);
    }

    /** From start to end. False: it was the last. */
    private boolean liveOnce() {
        boolean faultsAreOver = ops.isEmpty();
        begin(faultsAreOver);
        boolean cutShort = !(open() && serve() && audit(faultsAreOver || chance.nextBoolean()) && run());
        if (cutShort) {
            return true;
        }
        heal();
        if (!drain() || (ops.isEmpty() && !audit(true))) {
            return true;
        }
        return !stop() || !ops.isEmpty();
    }

    // ---- start ----

    private void begin(boolean faultsAreOver) {
        lives++;
        world.note(20, lives, 0, () -> "life " + lives + " begins");
        stopping = false;
        restartWanted = false;
        int small = Hardware.hasClassic(swarm) ? 1 << 20 : 1 << 19; // a merge moves larger pieces
        int buffers = swarm.has(Kind.SMALL_BUFFERS) ? small : 1 << 23;
        life = new Life(world, lives, swarm.loops(), buffers, swarm.hasRing());
        hardware = new Hardware(world, machine, life, lives, swarm, judge, counts);
        killAt = Long.MAX_VALUE;
        if (faultsAreOver) {
            heal();
        } else if (!cuts.isEmpty() && (kills.isEmpty() || chance.nextBoolean())) {
            machine.power.cutAfter(cuts.poll());
        } else if (!kills.isEmpty()) {
            killAt = machine.power.operations() + kills.poll();
        }
    }

    private boolean open() {
        PoolOptions options = PoolOptions.DEFAULT
                .withOnFull(
                        fullForEver || chance.nextBoolean() ? OnFull.QUEUE : OnFull.ERROR,
                        fullForEver ? Duration.ZERO : Duration.ofSeconds(2))
                .withCaches(new PoolCaches(256, 1 << 14, 1 << 16))
                .withGrowth(machine.growth(hardware.hasRemoteMetadata(), hardware.hasRemoteData()), 0);
        CompletableFuture<Void> devices = hardware.open(life);
        if (!until(devices::isDone, OPEN_NANOS, "a remote device does not open")) {
            return false;
        }
        if (devices.isCompletedExceptionally()) {
            if (!deviceFailed()) {
                throw new Violation(Oracle.MODE, "a remote device does not open: " + devices.exceptionNow());
            }
            return ended(End.KILL);
        }
        CompletableFuture<?> opened =
                life.open(hardware.metadata(), hardware.data(), options, location -> GoldenImage.open());
        if (!until(opened::isDone, OPEN_NANOS, "the pool does not open")) {
            return false;
        }
        if (opened.isCompletedExceptionally()) {
            if (!deviceFailed()) {
                throw new Violation(Oracle.MODE, "the pool does not open: " + opened.exceptionNow());
            }
            return ended(End.KILL);
        }
        PoolMode mode = life.pool().mode();
        if (mode.isMetadataReadOnly() && !everFailed && !deviceFailed() && !swarm.has(Kind.FULL)) {
            throw new Violation(Oracle.MODE, "the pool opens in mode " + mode);
        }
        AfterStart.decide(life.pool(), machine.record, judge);
        return !Hardware.hasClassic(swarm) || openClassic();
    }

    private boolean openClassic() {
        CompletableFuture<CowService> opening =
                life.openClassic(machine.record, hardware.directory(), hardware.devices());
        if (!until(opening::isDone, OPEN_NANOS, "classic snapshots are not opened")) {
            return false;
        }
        if (opening.isCompletedExceptionally()) {
            throw new Violation(Oracle.EXCEPTION, "classic snapshots are not opened: " + opening.exceptionNow());
        }
        classic.begin(life, opening.join());
        return until(() -> !classic.isBusy(), OPEN_NANOS, "the origin of classic snapshots is not made");
    }

    private boolean serve() {
        ConnectionLimits limits = swarm.has(Kind.SMALL_BUFFERS)
                ? new ConnectionLimits(4, 1 << 19, 1 << 16, 60_000)
                : ConnectionLimits.DEFAULT;
        life.serve(limits, pool -> new Witness(life.exports(Machine.BLOCK_BYTES), judge));
        administrator.begin(life);
        while (judge.poolVolumes().size() < 2) {
            int before = judge.poolVolumes().size();
            administrator.create("first" + lives + before, VOLUME_BYTES_MAX / 2, chance.nextInt(4) == 0);
            if (!until(() -> !administrator.isBusy(), SERVED_NANOS, "no answer to an administrator")) {
                return false;
            }
            if (judge.poolVolumes().size() == before) {
                if (!deviceFailed() && !swarm.has(Kind.FULL)) {
                    throw new Violation(Oracle.REPLY, "a volume cannot be created");
                }
                return true;
            }
        }
        if (lives == 1 && swarm.has(Kind.FULL) && chance.nextInt(3) == 0) {
            administrator.reserve(judge.poolVolumes().getFirst());
            return until(() -> !administrator.isBusy(), SERVED_NANOS, "no answer to an administrator");
        }
        return true;
    }

    // ---- the middle ----

    private boolean run() {
        users.begin();
        opsAreDue = false;
        scheduleNext();
        return until(() -> restartWanted || (ops.isEmpty() && !opsAreDue), Long.MAX_VALUE, "");
    }

    private void scheduleNext() {
        Op next = ops.peek();
        if (next != null && !restartWanted) {
            opsAreDue = true;
            Life its = life;
            world.after(next.gapNanos(), its, () -> {
                opsAreDue = false;
                ops.poll();
                issue(next);
                scheduleNext();
            });
        }
    }

    private void issue(Op op) {
        switch (op.kind()) {
            case WRITE, READ, FLUSH, TRIM, ZEROES, CACHE, STATUS, BAD, LEAVE, LIE -> users.issue(op);
            case RESTART -> restartWanted = swarm.has(Kind.RESTART);
            case LEAP -> {
                if (swarm.has(Kind.LEAP)) {
                    counts.count("time leaps", "any");
                    hardware.leapt();
                    world.leap(1_000_000_000L * (1 + op.a() % 600));
                }
            }
            case CLASSIC -> classic.issue(op);
            default -> administrator.issue(op);
        }
    }

    private void heal() {
        everFailed |= commitsFail();
        hardware.heal();
        machine.power.restore();
        killAt = Long.MAX_VALUE;
    }

    /** A copy has been made: what is in it now is so for good. */
    private void lookAt(List<VolumeModel> copies) {
        if (chance.nextBoolean()) {
            Auditor look = new Auditor(world, judge, swarm.net(), "look" + looks.size() + "-" + lives, copies);
            looks.add(look);
            look.begin();
        }
    }

    /** Faults are over: whatever is under way ends, or has nobody any more who waits for it. */
    private boolean drain() {
        if (fullForEver || chance.nextInt(4) == 0) {
            users.disperse(true);
        }
        if (administrator.jobsUnderWay() > 0) {
            administrator.releaseMetadataSnapshot(); // they may wait for that, and nobody else will do it
        }
        boolean all = until(
                () -> users.waiting() == 0
                        && judge.open() == 0
                        && !administrator.isBusy()
                        && !classic.isBusy()
                        && administrator.jobsUnderWay() == 0
                        && looks.stream().allMatch(Auditor::isDone),
                SERVED_NANOS,
                "requests are not served");
        users.disperse(false);
        if (!all
                || !until(
                        () -> !users.anybodyIsThere()
                                && life.server().connections().size() == 0,
                        2 * SERVED_NANOS, // a half-closed one has a minute, looked at now and then
                        "connections do not end")) {
            return false;
        }
        if (hardware.metadataWriteHasFailed() && !life.pool().mode().isMetadataReadOnly()) {
            throw new Violation(
                    Oracle.MODE,
                    "metadata could not be written, and the pool's mode is "
                            + life.pool().mode());
        }
        return true;
    }

    /** Everything is read. */
    private boolean audit(boolean wanted) {
        if (!wanted) {
            return true;
        }
        Auditor auditor = new Auditor(world, judge, swarm.net(), "auditor-" + lives, judge.volumes());
        looks.add(auditor);
        auditor.begin();
        return until(auditor::isDone, SERVED_NANOS * 10, "an audit does not end");
    }

    private boolean stop() {
        stopping = true;
        CompletableFuture<Void> stopped = life.stop(GRACE_MILLIS);
        if (!until(stopped::isDone, STOPPED_NANOS + hardware.stalledNanos(), "the daemon does not stop")) {
            return false;
        }
        if (stopped.isCompletedExceptionally() && !deviceFailed()) {
            throw new Violation(Oracle.EXCEPTION, "the daemon stops with " + stopped.exceptionNow());
        }
        until(() -> false, 0, ""); // tasks that are left
        String leaks = life.leaks();
        if (!leaks.isEmpty()) {
            throw new Violation(Oracle.LEAK, "not given back:" + leaks);
        }
        ended(stopped.isCompletedExceptionally() || commitsFail() ? End.KILL : End.STOP);
        return true;
    }

    // ---- the end of a life ----

    private enum End {
        CUT,
        KILL,
        STOP
    }

    private boolean ended(End how) {
        world.note(21, how.ordinal(), 0, () -> "life " + lives + " ends: " + how);
        everFailed |= commitsFail();
        if (how != End.STOP) {
            hardware.countUnderWay(how == End.CUT ? "power cut" : "kill");
        }
        administrator.begin(null);
        classic.begin(null, null);
        users.lifeEnded();
        looks.forEach(Auditor::vanish);
        looks.clear();
        judge.ended(how == End.CUT, how == End.STOP);
        life.end();
        life = null;
        if (how == End.CUT) {
            cutCount++;
            machine.cut(survival);
        } else if (how == End.KILL) {
            machine.metadata.requesterGone();
            machine.data.requesterGone();
            machine.origin.requesterGone();
            // Or a later life would have to know what a server may lose of this one.
            if (hardware.hasRemoteData()) {
                machine.data.flushNow();
            }
            if (hardware.hasRemoteMetadata()) {
                machine.metadata.flushNow();
            }
            killCount++;
        }
        machine.power.restore();
        machine.check("after life " + lives + ", which ended by " + how);
        return false;
    }

    // ---- time ----

    /** Lets the world go on. False: the life ended before. */
    private boolean until(BooleanSupplier reached, long nanos, String late) {
        long begun = world.nowNanos();
        long answers = judge.answers();
        while (!reached.getAsBoolean()) {
            boolean went = world.step();
            throwFaults();
            if (!machine.power.isOn()) {
                return ended(End.CUT);
            }
            lookIfCut();
            if (machine.power.operations() >= killAt) {
                return ended(End.KILL);
            }
            if (answers != judge.answers()) {
                answers = judge.answers();
                begun = world.nowNanos();
            }
            boolean over = nanos != Long.MAX_VALUE && world.nowNanos() - begun > nanos;
            if (nanos == 0 && over) {
                return true;
            }
            if (!went || over || world.steps() > STEPS_MAX) {
                throw new Violation(
                        Oracle.LIVENESS,
                        late + (went ? "" : ", and nothing will happen any more") + "; open " + judge.open()
                                + ", waiting " + users.waiting()
                                + (administrator.isBusy() || classic.isBusy() ? ", an administrator too" : "")
                                + (administrator.jobsUnderWay() > 0 ? ", a job too" : ""));
            }
        }
        return true;
    }

    /** Now and then: what would be left if the power failed now? */
    private void lookIfCut() {
        if (!swarm.has(Kind.CUT) || machine.power.operations() < nextImageAt) {
            return;
        }
        nextImageAt = machine.power.operations() + 1 + images.nextLong(2 * IMAGE_GAP);
        hardware.countUnderWay("power cut, as an image");
        imageCount++;
        String when = "if the power failed in life " + lives + " after operation " + machine.power.operations();
        if (CutImage.look(machine, judge, images, when, everFailed || deviceFailed() || swarm.has(Kind.FULL))) {
            counts.count("metadata flip", "at rest");
        }
    }

    private void throwFaults() {
        world.faults().removeIf(hardware::explains);
        if (world.faults().isEmpty()) {
            return;
        }
        Throwable first = world.faults().getFirst();
        throw first instanceof Violation violation
                ? violation
                : new Violation(Oracle.EXCEPTION, "thrown on a loop: " + first, first);
    }

    // ---- excuses ----

    @Override
    public boolean deviceFailed() {
        return everFailed || commitsFail();
    }

    @Override
    public boolean spaceIsShort() {
        return swarm.has(Kind.FULL) || administrator.hasLimits();
    }

    @Override
    public boolean classicMayFail() {
        return spaceIsShort() || hardware.directory().hasFailed();
    }

    @Override
    public boolean isDraining() {
        return stopping;
    }

    @Override
    public boolean commitsFail() {
        return hardware.hasFailed();
    }
}
