package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.nbd.wire.NbdError;

/** The one place where a device's error number becomes one that NBD knows (T13). */
final class NbdErrnoMap {
    private NbdErrnoMap() {}

    /**
     * One of {@link NbdError}. What has no counterpart is an I/O error: the client's request was good, so the fault is
     * on this side.
     *
     * @param errno a value of {@link Errno}
     * @param requestFlags of the failed {@link BlockRequest}: ENOTSUP may answer FAST_ZERO only
     */
    static int toNbdError(int errno, int requestFlags) {
        return switch (errno) {
            case Errno.OK -> NbdError.OK;
            case Errno.EROFS, Errno.EPERM -> NbdError.EPERM;
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG -> NbdError.ENOSPC;
            case Errno.ENOMEM, Errno.ECANCELED -> NbdError.ENOMEM;
            case Errno.EINVAL -> NbdError.EINVAL;
            case Errno.ESHUTDOWN -> NbdError.ESHUTDOWN;
            case Errno.EOPNOTSUPP -> (requestFlags & BlockRequest.FAST_ZERO) != 0 ? NbdError.ENOTSUP : NbdError.EINVAL;
            default -> NbdError.EIO;
        };
    }
}
