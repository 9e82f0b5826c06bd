package dev.gossamer.daemon.remote;

import dev.gossamer.io.Errno;
import dev.gossamer.nbd.wire.NbdError;

/** Where a server's error becomes one of a block device. */
final class RemoteErrors {
    private RemoteErrors() {}

    /** One of {@link Errno}; what a block device has no number for is EIO. */
    static int toErrno(int nbdError) {
        return switch (nbdError) {
            case NbdError.OK -> Errno.OK;
            case NbdError.EPERM -> Errno.EROFS;
            case NbdError.ENOMEM -> Errno.ENOMEM;
            case NbdError.EINVAL -> Errno.EINVAL;
            case NbdError.ENOSPC -> Errno.ENOSPC;
            case NbdError.ENOTSUP -> Errno.EOPNOTSUPP;
            default -> Errno.EIO;
        };
    }
}
