package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** What becomes of a write that needs a data block when there is none (dm's no-space policy, rule S-2). */
public enum OnFull {
    /** It waits for space up to the pool's time-out, and gets ENOSPC then. */
    QUEUE("queue", 1),
    /** It gets ENOSPC at once. */
    ERROR("error", 2);

    private final String word;
    private final int stored;

    OnFull(String word, int stored) {
        this.word = word;
        this.stored = stored;
    }

    /** The word in pool.yaml and on the command line. */
    public String word() {
        return word;
    }

    /** The number in a catalog slot; 0 for none. */
    public static int stored(OnFull policy) {
        return policy == null ? 0 : policy.stored;
    }

    /** Null for 0, and for what a later version may have stored. */
    public static OnFull ofStored(int number) {
        for (OnFull policy : values()) {
            if (policy.stored == number) {
                return policy;
            }
        }
        return null;
    }

    /** The policy of that word; throws EINVAL with the choice if there is none. */
    public static OnFull of(String word) throws StorageException {
        for (OnFull policy : values()) {
            if (policy.word.equals(word)) {
                return policy;
            }
        }
        throw new StorageException(Errno.EINVAL, "'" + word + "' is no on-full policy; use queue or error");
    }
}
