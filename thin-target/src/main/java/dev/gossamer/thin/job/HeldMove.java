package dev.gossamer.thin.job;

import dev.gossamer.thin.device.HeldRange;
import java.util.List;

/** Work on blocks of which all owners are held, perhaps with data blocks set aside for them. Worker's thread. */
abstract class HeldMove extends HeldWork {
    private final MoveParts parts;
    private final MoveOutcome outcome;
    private List<HeldRange> held = NOTHING_HELD;
    private boolean moving;

    /** @param outcome told if it fails */
    HeldMove(MoveParts parts, MoveOutcome outcome) {
        super(parts.faults());
        this.parts = parts;
        this.outcome = outcome;
    }

    /** Goes on when ranges are held; never if the pool is closed before. */
    final void hold(List<HeldRange> ranges, Stage next) {
        parts.locks().acquire(ranges, () -> {
            held = ranges;
            guarded(next);
        });
    }

    final List<HeldRange> held() {
        return held;
    }

    /** From here on blocks are set aside: who finds none meanwhile waits for what is given back. */
    final void setsAside() {
        parts.quotas().beginMove();
        moving = true;
    }

    /** Blocks that nothing was mapped to, and the holds; those who wait for a block look again. */
    final void giveBack() {
        giveBackTargets(isValid());
        List<HeldRange> ranges = held;
        held = NOTHING_HELD;
        parts.locks().release(ranges);
        if (moving) {
            moving = false;
            parts.quotas().endMove();
            parts.waiters().spaceReleased();
        }
    }

    /**
     * Lets go of blocks that are set aside. Takes no memory.
     *
     * @param valid they are; after an abort nothing is any more
     */
    abstract void giveBackTargets(boolean valid);

    @Override
    final void fail(Throwable cause) {
        try {
            giveBack();
        } finally {
            outcome.failed(cause);
        }
    }
}
