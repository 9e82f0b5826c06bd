package dev.gossamer.io.worker;

/** Hears of a worker's turns. Worker's thread. */
public interface TurnListener {
    /** All requests that had arrived are admitted: time to start what they made together. */
    default void turnEnded() {}

    /**
     * A bug: admitting a request, or the end of a turn, threw this. Nothing of the map can be trusted any more. The
     * request gets EIO by itself. Does not throw.
     */
    void failed(Throwable bug);
}
