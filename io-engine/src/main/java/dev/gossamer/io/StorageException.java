package dev.gossamer.io;

import java.io.IOException;

/**
 * An operating error of the control path: opening, formatting, committing.
 *
 * <p>The message is one line for the user, naming the thing and, where there is one, the way out.
 */
public class StorageException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    public StorageException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    public StorageException(int errno, String message, Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    /** The closest value of {@link Errno}, for replies that carry only a number. */
    public int errno() {
        return errno;
    }
}
