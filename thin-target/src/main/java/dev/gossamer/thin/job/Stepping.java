package dev.gossamer.thin.job;

import dev.gossamer.thin.device.HeldRange;

/** How jobs cut their steps, and where tests look in between. */
public interface Stepping {
    /** Steps as wide as may be, without a break. */
    Stepping NORMAL = Runnable::run;

    /** Mappings have been read under a hold; {@code next} acts on them, in the same task. */
    void between(Runnable next);

    /** Blocks of a step, at most {@link HeldRange#MAX_BLOCKS}. */
    default int stepBlocks() {
        return HeldRange.MAX_BLOCKS;
    }
}
