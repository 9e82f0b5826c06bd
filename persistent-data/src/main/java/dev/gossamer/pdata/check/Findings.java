package dev.gossamer.pdata.check;

import java.util.ArrayList;
import java.util.List;

/**
 * What a check has found, as much of it as anybody wants to know. Leaks and wrong hints, which harm nobody, do not use
 * up the room of what does.
 */
final class Findings {
    /** Metadata that is damaged all over would fill the memory with what is wrong with it. */
    static final int LIMIT = 1 << 16;

    private final List<Damage> list = new ArrayList<>();
    private int harmful;
    private int harmless;

    void add(Damage damage) {
        if (damage instanceof Damage.Leak || damage instanceof Damage.WrongHint) {
            if (harmless++ < LIMIT) {
                list.add(damage);
            }
        } else if (harmful++ < LIMIT) {
            list.add(damage);
        } else if (harmful == LIMIT + 1) {
            list.add(new Damage.TooMuch(LIMIT));
        }
    }

    List<Damage> list() {
        return List.copyOf(list);
    }
}
