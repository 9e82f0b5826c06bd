package dev.gossamer.it.sim.load;

import dev.gossamer.io.StorageException;
import dev.gossamer.it.sim.judge.Cloning;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.Life;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.pool.PoolJobs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Starts what runs long, beside everything else, and looks now and then what has come of it. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails is looked at in answered
final class JobDesk {
    private static final long LOOK_NANOS = 3_000_000;
    private static final int DATA_BLOCKS = 300;

    private final World world;
    private final Judge judge;
    private final int blockBytes;
    private final BooleanSupplier mayFail;
    private final Map<Long, Cloning> running = new TreeMap<>();
    private Life life;
    private int asked;
    private boolean everSqueezed;
    private boolean begun;

    /** @param mayFail whether something explains that a job fails */
    JobDesk(World world, Judge judge, int blockBytes, BooleanSupplier mayFail) {
        this.world = world;
        this.judge = judge;
        this.blockBytes = blockBytes;
        this.mayFail = mayFail;
    }

    /** A daemon is there; null: none is, and no job. */
    void begin(Life newLife) {
        life = newLife;
        running.clear();
        asked = 0;
        begun = false;
    }

    /** Jobs, and questions about them, that have not ended. */
    int underWay() {
        return running.size() + asked;
    }

    /** Whether there was one in this life. */
    boolean haveBegun() {
        return begun;
    }

    /** Whether a part of the data device has been given up. */
    boolean hasSqueezed() {
        return everSqueezed;
    }

    void issue(Op op, VolumeModel one, VolumeModel other) {
        PoolJobs jobs = life.pool().jobs();
        switch (op.b() % 9) {
            case 0, 1, 2 -> cloneRange(op, one, other);
            case 3 -> {
                if (judge.volumes().stream().anyMatch(VolumeModel::hasReserve)) {
                    return;
                }
                judge.volumes().forEach(VolumeModel::sharing);
                ask("dedupe", () -> jobs.dedupe(new DedupeSpec(List.of(), op.a() % 5 == 0, 0)), null);
            }
            case 4 -> ask("defragment " + one, () -> jobs.defragment(one.name()), null);
            case 5 -> {
                everSqueezed = true;
                long from = (op.a() % DATA_BLOCKS) * (long) blockBytes;
                long length = (1 + op.c() % 60) * (long) blockBytes;
                ask("evacuate", () -> jobs.evacuate(from, length, false), null);
            }
            case 6 -> {
                everSqueezed = true;
                ask("shrink", () -> jobs.shrink((20 + op.a() % DATA_BLOCKS) * (long) blockBytes), null);
            }
            case 7 -> {
                if (!one.isOverOrigin()) {
                    ask("independent " + one, () -> jobs.makeIndependent(one.name()), null);
                }
            }
            default -> disturb(op);
        }
    }

    /** At the same place in both: contents know where they belong. */
    private void cloneRange(Op op, VolumeModel source, VolumeModel target) {
        long smaller = Math.min(source.sizeBytes(), target.sizeBytes());
        long blocks = smaller / blockBytes;
        boolean reserved = source.hasReserve() || target.hasReserve();
        if (reserved || source.equals(target) || source.isCloning() || target.isCloning() || blocks == 0) {
            return;
        }
        long first = op.a() % blocks;
        long count = 1 + op.c() % (blocks - first);
        long from = first * blockBytes;
        long length = count * blockBytes;
        boolean atomic = op.a() % 3 == 0;
        Cloning cloning = judge.cloning(source.name(), target.name(), from, length);
        ask(
                "clone " + from + "+" + length + " of " + source + " to " + target,
                () -> life.pool()
                        .jobs()
                        .cloneRange(new CloneSpec(source.name(), from, length, target.name(), from, atomic)),
                cloning);
    }

    /** Pauses one for a while, or cancels it. */
    private void disturb(Op op) {
        if (running.isEmpty()) {
            return;
        }
        long id = new ArrayList<>(running.keySet()).get(op.c() % running.size());
        PoolJobs jobs = life.pool().jobs();
        Life its = life;
        its.aside(() -> {
            if (op.a() % 2 == 0) {
                jobs.cancel(id);
            } else {
                jobs.pause(id);
                world.after(op.a() % 50_000_000, its, () -> its.aside(() -> jobs.resume(id)));
            }
        });
    }

    private void ask(String what, Supplier<CompletableFuture<JobInfo>> start, Cloning cloning) {
        asked++;
        begun = true;
        Life its = life;
        world.note(12, asked, 0, () -> "job: " + what);
        its.aside(() -> start.get()
                .whenComplete((info, failure) -> world.after(0, its, () -> answered(what, info, failure, cloning))));
    }

    private void answered(String what, JobInfo info, Throwable failure, Cloning cloning) {
        asked--;
        world.note(13, asked, failure == null ? 0 : 1, () -> "job: " + what + " started " + failure);
        if (failure == null) {
            running.put(info.id(), cloning == null ? Cloning.NONE : cloning);
            lookSoon(info.id(), what);
            return;
        }
        Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        if (!(cause instanceof StorageException)) {
            throw new Violation(Oracle.EXCEPTION, what + ": " + cause, cause);
        }
        if (cloning != null) {
            cloning.ended(false);
        }
    }

    private void lookSoon(long id, String what) {
        Life its = life;
        world.after(
                LOOK_NANOS,
                its,
                () -> its.aside(() -> its.pool()
                        .jobs()
                        .show(id)
                        .whenComplete((info, failure) -> world.after(0, its, () -> seen(id, what, info)))));
    }

    private void seen(long id, String what, JobInfo info) {
        if (info != null && !info.state().isFinal()) {
            lookSoon(id, what);
            return;
        }
        boolean done = info != null && info.state() == JobInfo.State.DONE;
        boolean failed = info != null && info.state() == JobInfo.State.FAILED;
        world.note(14, id, done ? 1 : 0, () -> "job: " + what + " " + (info == null ? "forgotten" : info.state()));
        running.remove(id).ended(done && !mayFail.getAsBoolean());
        boolean explained = mayFail.getAsBoolean()
                || everSqueezed
                || what.startsWith("clone")
                || (info != null && info.message().contains("metadata snapshot"));
        if (failed && !explained) {
            throw new Violation(Oracle.REPLY, what + " fails, which nothing explains: " + info.message());
        }
    }
}
