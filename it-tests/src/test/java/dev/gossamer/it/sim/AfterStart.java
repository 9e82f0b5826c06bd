package dev.gossamer.it.sim;

import dev.gossamer.it.sim.judge.Judge;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.ThinPool;

/** What administrators had under way when the last life ended was done, or was not: a pool that has opened tells. */
final class AfterStart {
    private final ThinPool pool;
    private final Judge judge;

    private AfterStart(ThinPool pool, Judge judge) {
        this.pool = pool;
        this.judge = judge;
    }

    static void decide(ThinPool pool, Judge judge) {
        AfterStart start = new AfterStart(pool, judge);
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

    private void compare() {
        judge.volumes().forEach(model -> {
            VolumeInfo volume = pool.volume(model.name());
            if (volume == null || volume.sizeBytes() != model.sizeBytes()) {
                throw new Violation(Oracle.PERMITTED, "volume " + model + " is " + volume + " after a start");
            }
        });
        if (pool.volumeCount() != judge.volumes().size()) {
            throw new Violation(
                    Oracle.PERMITTED, "there are volumes " + pool.volumes() + ", should be " + judge.volumes());
        }
    }
}
