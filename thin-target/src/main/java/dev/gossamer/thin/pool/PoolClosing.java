package dev.gossamer.thin.pool;

import dev.gossamer.thin.device.PoolFaults;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * How a pool is closed: one stage after the other, each begun when the one before has ended, whatever that has thrown.
 * Made in full before the first begins. Worker's thread.
 */
final class PoolClosing {
    private final PoolFaults faults;
    private final List<Consumer<Runnable>> stages = new ArrayList<>();
    private final List<Runnable> ends = new ArrayList<>();
    private int begun;

    PoolClosing(PoolFaults faults) {
        this.faults = faults;
    }

    /** A stage that has ended when it returns. */
    PoolClosing now(Runnable stage) {
        return when(next -> {
            stage.run();
            next.run();
        });
    }

    /** A stage that calls back at its end. */
    PoolClosing when(Consumer<Runnable> stage) {
        int following = stages.size() + 1;
        stages.add(stage);
        ends.add(() -> begin(following));
        return this;
    }

    void begin() {
        begin(0);
    }

    private void begin(int number) {
        if (number != begun || number == stages.size()) {
            return; // a stage that has thrown may call back all the same
        }
        begun++;
        try {
            stages.get(number).accept(ends.get(number));
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            ends.get(number).run();
        }
    }
}
