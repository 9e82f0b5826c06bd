package dev.gossamer.it.sim;

import dev.gossamer.daemon.cow.VirtualCow;
import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.load.CowDesk;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.ThinPool;
import java.util.List;

/** What administrators had under way when the last life ended was done, or was not: a pool that has opened tells. */
final class AfterStart {
    private final ThinPool pool;
    private final VirtualCow.KeptRecord record;
    private final Judge judge;

    private AfterStart(ThinPool pool, VirtualCow.KeptRecord record, Judge judge) {
        this.pool = pool;
        this.record = record;
        this.judge = judge;
    }

    static void decide(ThinPool pool, VirtualCow.KeptRecord record, Judge judge) {
        AfterStart start = new AfterStart(pool, record, judge);
        for (Judge.Pending pending : judge.undecided()) {
            if (start.isDone(pending.made())) {
                pending.succeeded();
            } else {
                pending.failed();
            }
        }
        start.compare();
    }

    private boolean isDone(String made) {
        int at = made.indexOf('@');
        if (at >= 0) {
            int from = made.startsWith("!") ? 1 : 0;
            return record.has(made.substring(from, at), made.substring(at + 1)) == (from == 0);
        }
        if (made.equals(CowDesk.ORIGIN)) {
            return record.hasOrigin(made);
        }
        if (made.startsWith("!")) {
            return pool.volume(made.substring(1)) == null;
        }
        if (made.startsWith("=")) {
            int second = made.indexOf('=', 1);
            VolumeInfo volume = pool.volume(made.substring(second + 1));
            return volume != null && volume.sizeBytes() == Long.parseLong(made.substring(1, second));
        }
        return pool.volume(made) != null;
    }

    /** Of a classic snapshot: none that the judge knows has such a name. */
    static boolean isStore(String volume) {
        return volume.startsWith("cow.");
    }

    private void compare() {
        judge.poolVolumes().forEach(model -> {
            VolumeInfo volume = pool.volume(model.name());
            if (volume == null || volume.sizeBytes() != model.sizeBytes()) {
                throw new Violation(Oracle.PERMITTED, "volume " + model + " is " + volume + " after a start");
            }
        });
        List<VolumeInfo> found =
                pool.volumes().stream().filter(info -> !isStore(info.name())).toList();
        if (found.size() != judge.poolVolumes().size()) {
            throw new Violation(Oracle.PERMITTED, "there are volumes " + found + ", should be " + judge.poolVolumes());
        }
    }
}
