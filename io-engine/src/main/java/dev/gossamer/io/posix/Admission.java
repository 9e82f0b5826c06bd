package dev.gossamer.io.posix;

import dev.gossamer.io.StorageException;
import java.net.SocketAddress;
import java.nio.file.Path;

/**
 * Decides on a file or device that somebody else has named, once it is known what the name leads to and before it is
 * opened. What is admitted is what is opened: a link that leads elsewhere by then changes nothing, nor does a host's
 * name.
 */
@FunctionalInterface
public interface Admission {
    /** Of whoever may have everything that this process may. */
    Admission ALL = (real, identity) -> {};

    /**
     * Refuses by throwing.
     *
     * @param real where the name led to, without links
     */
    void admit(Path real, DeviceIdentity identity) throws StorageException;

    /**
     * Refuses by throwing.
     *
     * @param server one of the addresses that its name stands for; what is connected to is one of these
     */
    default void admit(SocketAddress server) throws StorageException {}
}
