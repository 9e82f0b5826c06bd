package dev.gossamer.io.ring;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.FileEngine;
import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.ServerChannel;
import java.util.List;

/** The process's loops over event loops that a simulation runs in turns: sockets are its own, files there are none. */
public final class VirtualLoops {
    private VirtualLoops() {}

    /**
     * The loops of a simulated process.
     *
     * @param group hands out the I/O loops, which are the first of {@code eventLoops}
     * @param server channel type that listens, for every kind of address
     * @param client channel type that connects
     * @param ports null: sockets stay with their channels
     */
    public static IoLoops over(
            IoEventLoopGroup group,
            List<? extends IoEventLoop> eventLoops,
            int ioLoops,
            int bufferBytes,
            Class<? extends ServerChannel> server,
            Class<? extends Channel> client,
            RingPorts ports) {
        Transport transport = new Transport(false, null, server, server, client, client, "simulated");
        return IoLoops.over(transport, group, eventLoops, ioLoops, bufferBytes, new NoFiles(), ports);
    }

    /** Before each turn of a loop: all of them run on one thread, which is another loop's at every turn. */
    public static void turn(NettyLoop loop) {
        loop.begin();
    }

    private static final class NoFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("a simulated process has no files");
        }

        @Override
        public String name() {
            return "simulated";
        }
    }
}
