package dev.gossamer.io.ring;

/** Which engine the user asked for. */
public enum IoEngineChoice {
    /** io_uring where it is available, else threads. */
    AUTO,
    /** io_uring, or refuse to start. */
    RING,
    /** epoll and threads, also where io_uring would work. */
    THREADS
}
