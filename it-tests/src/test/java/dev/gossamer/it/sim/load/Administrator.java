package dev.gossamer.it.sim.load;

import dev.gossamer.daemon.server.access.AccessRights;
import dev.gossamer.daemon.server.access.AccessRule;
import dev.gossamer.daemon.server.access.AccessRules;
import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.ExportNames;
import dev.gossamer.daemon.server.access.PeerCondition;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Rules;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.GoldenImage;
import dev.gossamer.it.sim.world.Life;
import dev.gossamer.it.sim.world.NetMood;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.ThinPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Somebody with the command line: one thing after the other, while clients go on. */
@SuppressWarnings({"FutureReturnValueIgnored", "EnumOrdinal"}) // what fails is looked at in ended; drawn by number
public final class Administrator {
    private static final int VOLUMES_MAX = 8;

    private static final int INTRUDERS = 3;
    private static final long INTRUSION_NANOS = 400_000;

    /** After that the server cuts off the clients of a volume that is taken away. */
    private static final long GRACE_NANOS = 5_000_000_000L;

    private final World world;
    private final Judge judge;
    private final int blockBytes;
    private final long maximumBytes;
    private final BooleanSupplier mayBeRefused;
    private final boolean prompt;
    private final Set<String> limited = new TreeSet<>();
    private Life life;
    private String taken;
    private final JobDesk jobs;
    private final SplittableRandom chance;
    private final List<NbdClient> open = new ArrayList<>();
    private int intruders;
    private Consumer<List<VolumeModel>> whenCopied = copies -> {};
    private boolean busy;
    private int names;

    /**
     * @param mayBeRefused whether something explains that the pool refuses
     * @param prompt whether clients that are sent away have no reason to stay for long
     */
    public Administrator(
            World world, Judge judge, int blockBytes, long maximumBytes, BooleanSupplier mayBeRefused, boolean prompt) {
        this.world = world;
        this.judge = judge;
        this.blockBytes = blockBytes;
        this.maximumBytes = maximumBytes;
        this.mayBeRefused = mayBeRefused;
        this.prompt = prompt;
        chance = world.streams().of("intruders");
        jobs = new JobDesk(world, judge, blockBytes, mayBeRefused);
    }

    /** Who is told of copies that have been made. */
    public void whenCopied(Consumer<List<VolumeModel>> action) {
        whenCopied = action;
    }

    /** A daemon is there; null: none is. */
    public void begin(Life newLife) {
        life = newLife;
        busy = false;
        taken = null;
        open.forEach(NbdClient::vanish);
        open.clear();
        jobs.begin(newLife);
    }

    /** Jobs that have not ended. */
    public int jobsUnderWay() {
        return jobs.underWay();
    }

    /** Whether the clients of a volume are being sent away. */
    public boolean isTaken(String volume) {
        return volume.equals(taken);
    }

    public boolean isBusy() {
        return busy;
    }

    /** Whether any volume has, or had, a limit: writes to it may find no space. */
    public boolean hasLimits() {
        return !limited.isEmpty() || jobs.hasSqueezed();
    }

    /** Does it now, or not at all: whoever is busy takes on nothing else. */
    public void issue(Op op) {
        if (life == null || life.pool() == null) {
            return;
        }
        List<VolumeModel> volumes = new ArrayList<>(judge.poolVolumes());
        if (op.kind() == Op.Kind.JOB && !volumes.isEmpty() && taken == null) {
            jobs.issue(op, volumes.get(op.where() % volumes.size()), volumes.get(op.who() % volumes.size()));
        }
        if (busy || op.kind() == Op.Kind.JOB) {
            return;
        }
        volumes.removeIf(volume -> volume.isCloning() || judge.isBeingCloned(volume));
        VolumeModel one = volumes.isEmpty() ? null : volumes.get(op.where() % volumes.size());
        if (op.kind() == Op.Kind.CREATE) {
            create("v" + names++, blockBytes * (2L + op.a() % 14), op.b() % 2 == 0);
        } else if (one != null) {
            change(op, one, volumes.get(op.c() % volumes.size()), volumes.size());
        }
    }

    /**
     * The first volumes, before anybody comes.
     *
     * @param over an external origin
     */
    public void create(String name, long sizeBytes, boolean over) {
        VolumeSpec spec = new VolumeSpec(name, sizeBytes);
        if (judge.poolVolumes().size() >= VOLUMES_MAX) {
            return;
        }
        if (over) {
            run(
                    judge.creatingOver(name, sizeBytes),
                    () -> life.pool().createVolumeOver(spec, GoldenImage.LOCATION, GoldenImage.open()),
                    "create " + name + " over an origin");
        } else {
            run(judge.creating(name, sizeBytes), () -> life.pool().createVolume(spec), "create " + name);
        }
    }

    /** If one is held. */
    public void releaseMetadataSnapshot() {
        run(null, life.pool()::releaseMetadataSnapshot, "metadata snapshot is released");
    }

    private void change(Op op, VolumeModel one, VolumeModel other, int count) {
        ThinPool pool = life.pool();
        String name = one.name();
        if (op.kind().copies() && (one.hasReserve() || other.hasReserve())) {
            return; // whose blocks are shared uses its reserve up for copies, and what it is promised is not known
        }
        switch (op.kind()) {
            case SNAPSHOT -> snapshot(Map.of("s" + names++, name), count);
            case GROUP -> {
                if (!one.equals(other)) {
                    Map<String, String> group = new TreeMap<>();
                    group.put("g" + names++, name);
                    group.put("g" + names++, other.name());
                    snapshot(group, count);
                }
            }
            case ROLLBACK -> rollBack(one, other, count);
            case RESIZE -> {
                if (one.isOverOrigin()) {
                    return; // what shows through behind an end that has moved to and fro the judge does not know
                }
                long size = Math.min(maximumBytes, 512 * (1 + op.a() % (maximumBytes / 512)));
                away(judge.resizing(name, size), name, () -> pool.resizeVolume(name, size, true), "resize " + name);
            }
            case RENAME -> {
                String newName = "r" + names++;
                away(judge.renaming(name, newName), name, () -> pool.renameVolume(name, newName), "rename " + name);
            }
            case DELETE -> {
                if (count > 1) {
                    away(judge.deleting(name), name, () -> pool.deleteVolume(name), "delete " + name);
                }
            }
            case LIMIT -> limit(one, limits(op));
            case GROW -> run(null, () -> pool.grow(blockBytes * (50L + op.a() % 100), 0), "grow");
            case METADATA_SNAPSHOT -> run(
                    null,
                    () -> op.a() % 2 == 0 ? pool.reserveMetadataSnapshot() : pool.releaseMetadataSnapshot(),
                    "metadata snapshot");
            case ACCESS -> run(null, () -> newRules(op), "rules");
            case STATUS_LINE -> run(null, op.a() % 2 == 0 ? pool::status : pool::dmStatus, "status");
            default -> throw new IllegalStateException(op + " is no administrator's");
        }
    }

    /** Keeps space for all that a volume can hold. */
    public void reserve(VolumeModel volume) {
        limit(volume, new VolumeLimits(0, Math.ceilDiv(volume.sizeBytes(), blockBytes) * (long) blockBytes, null));
    }

    private void limit(VolumeModel volume, VolumeLimits limits) {
        String name = volume.name();
        limited.add(name);
        volume.reserves(0, judge.next());
        run(
                null,
                () -> life.pool().limitVolume(name, limits),
                "limit " + name + ": " + limits,
                () -> volume.reserves(limits.reserveBytes(), judge.next()));
    }

    /** As when the daemon reads its configuration again: for the lower addresses. */
    private CompletableFuture<?> newRules(Op op) {
        int bits = 25 + op.a() % 3;
        Rules.Rights rights = Rules.Rights.values()[op.b() % Rules.Rights.values().length];
        ExportNames all = new ExportNames(List.of("*"));
        AccessRules rules = new AccessRules(List.of(
                new AccessRule(
                        List.of(PeerCondition.Network.parse("10.0.0.0/" + bits)),
                        all,
                        AccessRights.valueOf(rights.name())),
                new AccessRule(List.of(), all, AccessRights.READ_WRITE)));
        ClientPolicy policy = new ClientPolicy(rules, ClientPolicy.DEFAULT.limits(), ClientPolicy.DEFAULT.admin());
        try {
            life.server().prepare(policy).run();
        } catch (StorageException e) {
            return CompletableFuture.failedFuture(e);
        }
        judge.rules().set(1 << (32 - bits), rights, judge.next());
        return CompletableFuture.completedFuture(true);
    }

    private VolumeLimits limits(Op op) {
        long bytes = blockBytes * (1L + op.b() % 20);
        OnFull onFull = op.c() % 3 == 0 ? OnFull.QUEUE : op.c() % 3 == 1 ? OnFull.ERROR : null;
        return switch (op.a() % 4) {
            case 0 -> new VolumeLimits(0, 0, onFull);
            case 1 -> new VolumeLimits(bytes, 0, onFull);
            default -> new VolumeLimits(0, bytes, onFull);
        };
    }

    private void snapshot(Map<String, String> originByName, int count) {
        if (count + originByName.size() > VOLUMES_MAX) {
            return;
        }
        List<SnapshotSpec> specs = new ArrayList<>();
        originByName.forEach((name, origin) -> specs.add(new SnapshotSpec(origin, name, false)));
        run(
                judge.snapshotting(originByName),
                () -> life.pool().createSnapshots(specs),
                "snapshot " + originByName,
                () -> whenCopied.accept(
                        originByName.keySet().stream().map(judge::volume).toList()));
    }

    private void rollBack(VolumeModel one, VolumeModel other, int count) {
        if (count >= VOLUMES_MAX || one.equals(other) || !isRelated(one.name(), other.name())) {
            return;
        }
        String keep = "k" + names++;
        away(
                judge.rollingBack(one.name(), other.name(), keep),
                one.name(),
                () -> life.pool().rollBack(one.name(), other.name(), keep),
                "roll " + one + " back to " + other);
    }

    /** Whether one is a snapshot of the other: what the pool asks for before it rolls back. */
    private boolean isRelated(String one, String other) {
        var a = life.pool().volume(one);
        var b = life.pool().volume(other);
        return a != null && b != null && (a.originId() == b.id() || b.originId() == a.id());
    }

    /** After all clients have gone. */
    private void away(Judge.Pending pending, String name, Supplier<CompletableFuture<?>> change, String what) {
        taken = name;
        judge.draining(judge.volume(name));
        long begunNanos = world.nowNanos();
        intrude(name);
        run(
                pending,
                () -> life.server().disconnectAll(name, () -> {
                    if (prompt && world.nowNanos() - begunNanos >= GRACE_NANOS) {
                        throw new Violation(Oracle.LIVENESS, what + ": clients stay until they are cut off");
                    }
                    return change.get().thenApply(x -> x);
                }),
                what);
    }

    /** Others try to connect just then; who is let in stays for a moment. */
    private void intrude(String name) {
        Life its = life;
        for (int i = 0; i < INTRUDERS; i++) {
            world.after(chance.nextLong(INTRUSION_NANOS), its, () -> {
                VolumeModel volume = judge.volume(name);
                if (volume != null && isTaken(name)) {
                    NbdClient[] client = new NbdClient[1];
                    client[0] = new NbdClient(world, judge, "intruder-" + ++intruders, volume, 0, 0, () -> {});
                    client[0].connect(
                            NetMood.QUIET,
                            250,
                            () -> world.after(2 * INTRUSION_NANOS, its, () -> client[0].leave(NbdClient.End.CLOSE)));
                    open.add(client[0]);
                }
            });
        }
    }

    private void run(Judge.Pending pending, Supplier<CompletableFuture<?>> change, String what) {
        run(pending, change, what, () -> {});
    }

    private void run(Judge.Pending pending, Supplier<CompletableFuture<?>> change, String what, Runnable then) {
        busy = true;
        Life its = life;
        world.note(10, names, 0, () -> "administrator: " + what);
        its.aside(() -> {
            CompletableFuture<?> answer = change.get();
            answer.whenComplete((done, failure) -> world.after(0, its, () -> ended(pending, failure, what, then)));
        });
    }

    private void ended(Judge.Pending pending, Throwable failure, String what, Runnable then) {
        busy = false;
        taken = null;
        world.note(11, names, failure == null ? 0 : 1, () -> "administrator: " + what + " done " + failure);
        if (failure == null) {
            if (pending != null) {
                pending.succeeded();
            }
            then.run();
            return;
        }
        if (pending != null && (isRefusal(failure) || !mayBeRefused.getAsBoolean())) {
            pending.failed(); // otherwise the next life tells: a device that fails may have done it all the same
        }
        Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        boolean legal = cause instanceof OutOfMemoryError
                ? mayBeRefused.getAsBoolean()
                : cause instanceof StorageException refused && isLegal(refused, pending);
        if (!legal) {
            throw new Violation(Oracle.REPLY, what + " is refused, which nothing explains: " + cause, cause);
        }
    }

    private static boolean isRefusal(Throwable failure) {
        Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        return cause instanceof StorageException refused && refused.errno() == Errno.EBUSY;
    }

    private boolean isLegal(StorageException refused, Judge.Pending pending) {
        return mayBeRefused.getAsBoolean()
                || (refused.errno() == Errno.EBUSY && jobs.haveBegun()) // one of them has it
                || (refused.errno() == Errno.ENOSPC && hasLimits())
                || refused.errno() == Errno.EINVAL // no relative: nothing is changed then, and the judge knows it
                || pending == null; // one that may not be possible now, such as to release what was never reserved
    }
}
