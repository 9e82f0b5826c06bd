package dev.gossamer.daemon.remote;

import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;

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

    /**
     * Takes a server's word that it has lost something, which it gives once. A server that shuts down, or does not
     * answer, has not said so: what is kept will be repeated.
     */
    static void note(DeviceHealth health, RemoteCommand command, int nbdError) {
        if (nbdError == NbdError.OK || nbdError == NbdError.ESHUTDOWN) {
            return;
        }
        if (command.command == NbdCommand.FLUSH) {
            health.flushed(toErrno(nbdError));
        } else if ((command.flags & NbdFlags.CMD_FUA) != 0) {
            health.wroteThrough(toErrno(nbdError));
        }
    }
}
