package dev.gossamer.io.worker;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import java.util.Comparator;
import java.util.List;

/** The loops that a device takes requests from. */
final class LoopList {
    private LoopList() {}

    /** The same loops, each at its own index. */
    static List<IoLoop> byIndex(List<? extends IoLoop> loops) {
        List<IoLoop> sorted = loops.stream()
                .<IoLoop>map(loop -> loop)
                .sorted(Comparator.comparingInt(IoLoop::index))
                .toList();
        for (int i = 0; i < sorted.size(); i++) {
            Invariant.check(sorted.get(i).index() == i, "the loops of a device are not numbered from 0");
        }
        return sorted;
    }
}
