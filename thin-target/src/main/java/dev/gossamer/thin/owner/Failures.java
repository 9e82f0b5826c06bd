package dev.gossamer.thin.owner;

import java.util.concurrent.CompletionException;

/** What a future failed with. */
final class Failures {
    private Failures() {}

    static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException wrapped && wrapped.getCause() != null
                ? cause(wrapped.getCause())
                : failure;
    }
}
