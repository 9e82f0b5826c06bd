package dev.gossamer.io.lvm.format;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/** The kinds of refusal, by error number: what a command's exit code is made of. */
public final class LvmError {
    private LvmError() {}

    /** What is on the disk is not what LVM writes. */
    public static StorageException damaged(String message) {
        return refusal(Errno.EIO, message);
    }

    /** LVM may do this, this program does not. */
    public static StorageException unsupported(String message) {
        return refusal(Errno.EOPNOTSUPP, message);
    }

    /** What was asked for is not there. */
    public static StorageException missing(String message) {
        return refusal(Errno.ENODEV, message);
    }

    /** It would be wrong to use this now. */
    public static StorageException inUse(String message) {
        return refusal(Errno.EBUSY, message);
    }

    /** One line without control characters, whatever names the disk holds. */
    private static StorageException refusal(int errno, String message) {
        StringBuilder line = new StringBuilder();
        message.codePoints().forEach(c -> line.appendCodePoint(Character.isISOControl(c) ? '?' : c));
        return new StorageException(errno, line.toString());
    }
}
