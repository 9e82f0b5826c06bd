package dev.gossamer.thin;

import java.time.Instant;
import java.util.List;

/**
 * A job at one moment.
 *
 * @param id unique while the pool is open; 0 is the reclaiming of deleted volumes
 * @param kind what kind of work it is, one word
 * @param what what it works on, for people
 * @param state where it stands
 * @param doneBytes what it has gone through
 * @param totalBytes what there is to go through, as far as is known; 0: not known yet
 * @param startedAt when it was started
 * @param remainingSeconds until it ends, at its pace so far; -1: cannot be told
 * @param message what came of it, or what it waits for; may be empty
 * @param lost what it has given up because it could not be read, as it was asked to
 */
public record JobInfo(
        long id,
        String kind,
        String what,
        State state,
        long doneBytes,
        long totalBytes,
        Instant startedAt,
        long remainingSeconds,
        String message,
        List<LostRange> lost) {
    /** Where a job stands. All but the first two are final. */
    public enum State {
        RUNNING,
        PAUSED,
        DONE,
        FAILED,
        CANCELLED,
        /** Under way when the pool was last closed, and not begun again; what it had done by then is there. */
        INTERRUPTED;

        public boolean isFinal() {
            return this != RUNNING && this != PAUSED;
        }
    }
}
