package dev.gossamer.daemon.admin;

import dev.gossamer.io.Errno;
import java.util.Locale;

/**
 * Why something was not done, for programs: a word in the API's errors and an exit code of the command line. Both are
 * promises; the table in README.md is compared with them. No code is used again for something else.
 */
public enum FailureKind {
    FAILED(1, "refused or failed; the line says why"),
    WRONG_USAGE(2, "wrong usage"),
    POOL_TAKEN(3, "another daemon has the pool"),
    POOL_FAILED(4, "a served pool has failed and should be opened again"),
    EXISTS(5, "it exists already"),
    IN_USE(6, "it is in use: by a client, another program, another operation"),
    FULL(7, "there is no space for it"),
    NOT_THERE(8, "it does not exist"),
    NO_DAEMON(9, "no daemon serves the pool, or it does not answer"),
    NOT_ALLOWED(10, "you may not do this");

    private final int exitCode;
    private final String meaning;

    FailureKind(int exitCode, String meaning) {
        this.exitCode = exitCode;
        this.meaning = meaning;
    }

    public int exitCode() {
        return exitCode;
    }

    /** For people, to be read behind the code. */
    public String meaning() {
        return meaning;
    }

    /** As in JSON. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The kind of this {@link #word}; {@link #FAILED} for one that a later version may have. */
    public static FailureKind ofWord(String word) {
        for (FailureKind kind : values()) {
            if (kind.word().equals(word)) {
                return kind;
            }
        }
        return FAILED;
    }

    /** The kind of an error number. */
    public static FailureKind ofErrno(int errno) {
        return switch (errno) {
            case Errno.EEXIST -> EXISTS;
            case Errno.EBUSY -> IN_USE;
            case Errno.ENOSPC, Errno.EDQUOT -> FULL;
            case Errno.ENOENT, Errno.ENODEV -> NOT_THERE;
            case Errno.EACCES -> NOT_ALLOWED;
            default -> FAILED;
        };
    }
}
