package dev.gossamer.pdata.check;

import java.util.ArrayList;
import java.util.List;

/** What a check has found, as much of it as anybody wants to know. */
final class Findings {
    /** Metadata that is damaged all over would fill the memory with what is wrong with it. */
    static final int LIMIT = 1 << 16;

    private final List<Damage> list = new ArrayList<>();

    void add(Damage damage) {
        if (list.size() < LIMIT) {
            list.add(damage);
        } else if (list.size() == LIMIT) {
            list.add(new Damage.TooMuch(LIMIT));
        }
    }

    List<Damage> list() {
        return List.copyOf(list);
    }
}
