package dev.gossamer.io.ring;

import dev.gossamer.io.libc.Libc;
import io.netty.channel.Channel;
import io.netty.channel.unix.UnixChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Whether a channel's peer has hung up, for a time in which nothing is read from it: channels on io_uring do not tell
 * that, not even of a reset, while bytes are left unread. A simulation's channel answers for itself.
 */
public interface PeerEnd {
    /** Whether the peer sends no more, or is gone; on the channel's loop. */
    boolean hasHungUp();

    /**
     * The same for any channel: asks the kernel, and waits for nothing. False if the channel's socket is not ours to
     * ask for, as with Java's own channels.
     */
    static boolean hasHungUp(Channel channel) {
        return channel instanceof PeerEnd end
                ? end.hasHungUp()
                : channel instanceof UnixChannel unix
                        && channel.isOpen()
                        && Poll.hasHungUp(unix.fd().intValue());
    }

    /** The system call. */
    final class Poll {
        /** {@code struct pollfd}: descriptor, events asked for, events found. */
        private static final int POLLFD_BYTES = 8;

        private static final short POLLERR = 0x8;
        private static final short POLLHUP = 0x10;
        private static final short POLLRDHUP = 0x2000;

        private Poll() {}

        private static boolean hasHungUp(int fd) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment asked = arena.allocate(POLLFD_BYTES, Integer.BYTES);
                asked.set(ValueLayout.JAVA_INT, 0, fd);
                asked.set(ValueLayout.JAVA_SHORT, 4, POLLRDHUP);
                int found = Libc.CALLS.poll(asked.address(), 1, 0);
                return found == 1 && (asked.get(ValueLayout.JAVA_SHORT, 6) & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
            }
        }
    }
}
