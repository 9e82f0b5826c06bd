package dev.gossamer.daemon;

import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Steps that end something, one after the other: one that fails keeps no other from being made. One thread. */
final class Ending {
    private static final Logger LOG = LoggerFactory.getLogger(Ending.class);

    private Throwable first;

    /** What may be wrong with a step. */
    @FunctionalInterface
    interface Step {
        void run() throws StorageException;
    }

    /** Makes a step. */
    void then(Step step) {
        try {
            step.run();
        } catch (StorageException | RuntimeException | Error e) {
            if (first == null) {
                first = e;
            } else {
                LOG.warn("stopping: {}", Reason.of(e));
            }
        }
    }

    /** Of something that may never have begun: null. */
    void then(Object part, Step step) {
        if (part != null) {
            then(step);
        }
    }

    /** Logs what the first step threw that failed; what others threw has been logged. */
    void tell() {
        if (first != null) {
            LOG.warn("stopping what had been started: {}", Reason.of(first));
        }
    }

    /** Throws it. */
    void end() throws StorageException {
        switch (first) {
            case null -> {}
            case StorageException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(first);
        }
    }
}
