package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;

/**
 * What is served under the name of an attached volume cannot stand for it: a file system that is mounted from the one
 * must not write into the other.
 */
final class OtherVolume extends StorageException {
    private static final long serialVersionUID = 1L;

    private OtherVolume(String message) {
        super(Errno.ENODEV, message);
    }

    /** @param readOnly whether the device is */
    static void refuse(Attachment attachment, ServerConnection found, boolean readOnly) throws OtherVolume {
        boolean known = !attachment.identity().isEmpty();
        if (known && !attachment.identity().equals(found.identity())) {
            throw new OtherVolume(attachment.uri() + " is another volume now (" + named(found.identity())
                    + "); the one that is attached was " + attachment.identity()
                    + ". Give it its name back, or: gossamer detach " + attachment.device());
        }
        if (found.isReadOnly() && !readOnly) {
            throw new OtherVolume(attachment.uri() + " has become read-only; 'gossamer status' says why");
        }
    }

    private static String named(String identity) {
        return identity.isEmpty() ? "without a UUID" : identity;
    }
}
