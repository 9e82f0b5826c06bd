package dev.gossamer.it.sim.load;

import dev.gossamer.daemon.cow.CowRequest;
import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.judge.VolumeModel;
import dev.gossamer.it.sim.world.Life;
import dev.gossamer.it.sim.world.World;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Somebody who makes classic snapshots of a device, with stores in the pool, deletes them and merges them. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails is looked at in ended
public final class CowDesk {
    /** The export. */
    public static final String ORIGIN = "disk";

    /** Its device. */
    public static final String DEVICE = "/dev/disk";

    private static final int SNAPSHOTS_MAX = 3;

    private final World world;
    private final Judge judge;
    private final BooleanSupplier mayBeRefused;
    private final long sizeBytes;
    private Life life;
    private CowService cow;
    private String taken = "";
    private boolean busy;
    private int names;

    /**
     * Whoever sits there.
     *
     * @param mayBeRefused whether something explains that it cannot be done
     * @param sizeBytes of the origin
     */
    public CowDesk(World world, Judge judge, BooleanSupplier mayBeRefused, long sizeBytes) {
        this.world = world;
        this.judge = judge;
        this.mayBeRefused = mayBeRefused;
        this.sizeBytes = sizeBytes;
    }

    /** A daemon is there; null: none is. */
    public void begin(Life newLife, CowService service) {
        life = newLife;
        cow = service;
        busy = false;
        taken = "";
        if (service != null && judge.volume(ORIGIN) == null) {
            run(judge.creatingOrigin(ORIGIN, sizeBytes), () -> {
                cow.create(new CowRequest(ORIGIN, DEVICE, null, 0, null, null), life.devices());
                return null;
            });
        }
    }

    public boolean isBusy() {
        return busy;
    }

    /** Whether the clients of an export are being sent away. */
    public boolean isTaken(String export) {
        return export.equals(taken) || (export.equals(ORIGIN) && taken.startsWith("merge "));
    }

    /** Does it now, or not at all. */
    public void issue(Op op) {
        if (cow == null || busy || judge.volume(ORIGIN) == null) {
            return;
        }
        List<VolumeModel> snapshots =
                judge.volumes().stream().filter(VolumeModel::isClassicSnapshot).toList();
        int what = op.a() % 8;
        if (what < 4 && snapshots.size() < SNAPSHOTS_MAX) {
            create(ORIGIN + "@c" + names++, op);
        } else if (what == 7) {
            run(null, () -> {
                cow.all();
                return null;
            });
        } else if (!snapshots.isEmpty()) {
            String name = snapshots.get(op.where() % snapshots.size()).name();
            if (what % 2 == 0) {
                delete(name);
            } else {
                merge(name);
            }
        }
    }

    private void create(String name, Op op) {
        int chunkBytes = 4096 << op.b() % 5;
        StoreFullAction full = StoreFullAction.INVALIDATE_SNAPSHOT;
        run(judge.shadowing(name, ORIGIN), () -> {
            cow.create(new CowRequest(name, null, null, chunkBytes, StoreType.PERSISTENT, full), life.devices());
            return null;
        });
    }

    private void delete(String name) {
        taken = name;
        alone(judge.deleting(name), List.of(name), () -> {
            cow.delete(name, false);
            return null;
        });
    }

    private void merge(String name) {
        taken = "merge " + name;
        alone(judge.merging(name, ORIGIN), List.of(ORIGIN, name), () -> {
            cow.merge(name);
            return null;
        });
    }

    private void run(Judge.Pending pending, Callable<Void> change) {
        alone(pending, List.of(), change);
    }

    /** While nobody has these open. */
    private void alone(Judge.Pending pending, List<String> exports, Callable<Void> change) {
        busy = true;
        Life its = life;
        exports.forEach(export -> judge.draining(judge.volume(export)));
        String what = "classic " + (pending == null ? "list" : pending.made()) + " " + taken;
        world.note(18, names, 0, () -> what);
        its.aside(() -> {
            Supplier<CompletableFuture<Void>> all = () -> its.waiting(change);
            for (String export : exports) {
                Supplier<CompletableFuture<Void>> inner = all;
                NbdServer server = its.server();
                all = () -> server.disconnectAll(export, inner);
            }
            all.get().whenComplete((done, failure) -> world.after(0, its, () -> ended(pending, failure, what)));
        });
    }

    private void ended(Judge.Pending pending, Throwable failure, String what) {
        busy = false;
        taken = "";
        world.note(19, names, failure == null ? 0 : 1, () -> what + " done " + failure);
        if (failure == null) {
            if (pending != null) {
                pending.succeeded();
            }
            return;
        }
        Throwable cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        boolean refused = cause instanceof StorageException its && its.errno() == Errno.EBUSY;
        if (pending != null && (refused || !mayBeRefused.getAsBoolean())) {
            pending.failed(); // otherwise the next life tells
        }
        boolean known = cause instanceof StorageException || cause instanceof OutOfMemoryError;
        if (!known || !(refused || mayBeRefused.getAsBoolean())) {
            throw new Violation(Oracle.REPLY, what + " is refused, which nothing explains: " + cause, cause);
        }
    }
}
