package dev.gossamer.daemon.admin;

import dev.gossamer.io.Errno;

/** Ends a request with an HTTP status and one line that says why. */
final class AdminRefusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final int BAD_REQUEST = 400;
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int METHOD_NOT_ALLOWED = 405;
    static final int CONFLICT = 409;
    static final int TOO_LARGE = 413;
    static final int INTERNAL_ERROR = 500;
    static final int UNAVAILABLE = 503;
    static final int NO_SPACE = 507;

    private final int status;

    AdminRefusal(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }

    FailureKind kind() {
        return kindOf(status);
    }

    /** What a status that the API itself refuses with says; a conflict is somebody in the way. */
    static FailureKind kindOf(int status) {
        return switch (status) {
            case FORBIDDEN -> FailureKind.NOT_ALLOWED;
            case NOT_FOUND -> FailureKind.NOT_THERE;
            case CONFLICT -> FailureKind.IN_USE;
            case NO_SPACE -> FailureKind.FULL;
            default -> FailureKind.FAILED;
        };
    }

    /** Whether a request with this answer was refused as it is, so that nothing has come of it. */
    static boolean isBeforeAnyChange(int status) {
        return switch (status) {
            case BAD_REQUEST, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE -> true;
            default -> false;
        };
    }

    /** What the pool refused, as HTTP has it. */
    static int statusOf(int errno) {
        return switch (errno) {
            case Errno.EINVAL, Errno.EFBIG -> BAD_REQUEST;
            case Errno.EACCES -> FORBIDDEN;
            case Errno.ENOENT, Errno.ENODEV -> NOT_FOUND;
            case Errno.EEXIST, Errno.EBUSY, Errno.EPERM, Errno.EROFS -> CONFLICT;
            case Errno.ENOSPC, Errno.EDQUOT -> NO_SPACE;
            case Errno.ESHUTDOWN, Errno.EAGAIN -> UNAVAILABLE;
            default -> INTERNAL_ERROR;
        };
    }
}
