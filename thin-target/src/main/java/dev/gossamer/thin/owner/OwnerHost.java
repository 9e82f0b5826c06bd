package dev.gossamer.thin.owner;

/** What a daemon knows of itself and of its neighbours. Callable from any thread. */
public interface OwnerHost {
    /** This process. */
    OwnerProcess self();

    /** Whether a process is certainly gone: it ran here, under this kernel, and does not any more. */
    boolean isGone(OwnerProcess process);

    /** Milliseconds since 1970: for people; nothing is decided by it. */
    long currentTimeMillis();
}
