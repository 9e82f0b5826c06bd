package dev.gossamer.io;

/** Always-on checks of what must hold if the program is right. */
public final class Invariant {
    private Invariant() {}

    /**
     * Throws {@link AssertionError} if {@code condition} is false. The text is constant, so that a check costs a
     * branch.
     */
    public static void check(boolean condition, String text) {
        if (!condition) {
            throw new AssertionError(text);
        }
    }
}
