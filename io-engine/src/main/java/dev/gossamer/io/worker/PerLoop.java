package dev.gossamer.io.worker;

import dev.gossamer.io.IoLoop;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** One object for each I/O loop, touched on that loop only. */
public final class PerLoop<T> {
    private final List<T> states;

    /**
     * Makes the objects, here and now.
     *
     * @param loops each at its own {@link IoLoop#index}, from 0
     */
    public PerLoop(List<? extends IoLoop> loops, Function<? super IoLoop, ? extends T> make) {
        this.states = LoopList.byIndex(loops).stream().<T>map(make).toList();
    }

    /** The calling loop's. */
    public T of(IoLoop loop) {
        assert loop.inLoop() : "state of a loop used outside it";
        return states.get(loop.index());
    }

    /** All of them, for an owner that knows that the loops do not use theirs any more. */
    public void forEach(Consumer<? super T> action) {
        states.forEach(action);
    }
}
