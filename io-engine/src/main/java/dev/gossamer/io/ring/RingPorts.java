package dev.gossamer.io.ring;

import dev.gossamer.io.StorageException;
import io.netty.channel.Channel;

/** Takes sockets away from their channels, for a loop that serves them itself. */
public interface RingPorts {
    /** Whether it can be done with this channel. */
    boolean canTake(Channel channel);

    /** The channel's socket, which nobody else uses from then on; the channel is closed by the caller. On its loop. */
    RingPort take(NettyLoop loop, Channel channel) throws StorageException;
}
