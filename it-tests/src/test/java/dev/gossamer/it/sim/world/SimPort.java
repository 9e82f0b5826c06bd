package dev.gossamer.it.sim.world;

import dev.gossamer.io.Errno;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.ring.RingPort;
import dev.gossamer.io.ring.RingPorts;
import io.netty.channel.Channel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * A socket as the kernel's ring serves it: operations begin when the loop "enters the kernel", some steps after they
 * were submitted, look at the message as it is then, and complete in a task of the loop.
 */
@SuppressWarnings("EnumOrdinal") // for the history alone
final class SimPort implements RingPort {
    /** Of all channels of this world. */
    static final RingPorts PORTS = new RingPorts() {
        @Override
        public boolean canTake(Channel channel) {
            return channel instanceof SimChannel;
        }

        @Override
        public RingPort take(NettyLoop loop, Channel channel) {
            return new SimPort(World.current(), (SimEventLoop) loop.eventLoop(), ((SimChannel) channel).takeSocket());
        }
    };

    private static final int EPIPE = 32;
    private static final int ECONNRESET = 104;
    private static final int POLLRDHUP = 0x2000;
    private static final int HEADER_BYTES = 56;
    private static final int IOV_BYTES = 16;
    private static final long ENTER_NANOS_MAX = 20_000;

    private final World world;
    private final SimEventLoop loop;
    private final SimSocket socket;
    private final SplittableRandom random;
    private Listener listener;
    private long receiving;
    private long sending;
    private boolean watching;
    private boolean shutDown;

    private SimPort(World world, SimEventLoop loop, SimSocket socket) {
        this.world = world;
        this.loop = loop;
        this.socket = socket;
        random = world.streams().of("port-" + socket.name());
    }

    @Override
    public void open(Listener itsListener) {
        listener = itsListener;
        socket.onReadable(this::readable);
        socket.onRoom(this::roomForMore);
    }

    @Override
    public boolean submit(Operation operation, long messageAddress) {
        switch (operation) {
            case RECEIVE -> receiving = messageAddress;
            case SEND -> sending = messageAddress;
            case WATCH -> watching = true;
        }
        world.after(random.nextLong(ENTER_NANOS_MAX), loop, () -> {
            readable();
            roomForMore();
        });
        return true;
    }

    /** The kernel looks whether there is anything to receive, or to tell. */
    private void readable() {
        if (!loop.isAlive()) {
            return;
        }
        if (receiving != 0 && (shutDown || socket.isBroken() || socket.available() > 0 || socket.isAtEnd())) {
            long message = receiving;
            receiving = 0;
            done(Operation.RECEIVE, shutDown ? 0 : socket.isBroken() ? -ECONNRESET : receive(message));
        }
        if (watching && (shutDown || socket.isBroken() || socket.hasEnded())) {
            watching = false;
            done(Operation.WATCH, POLLRDHUP);
        }
    }

    private void roomForMore() {
        if (sending == 0 || !loop.isAlive()) {
            return;
        }
        if (shutDown || socket.isPeerGone() || socket.isBroken()) {
            sending = 0;
            done(Operation.SEND, shutDown || socket.isPeerGone() ? -EPIPE : -ECONNRESET);
            return;
        }
        int room = socket.room();
        if (room > 0) {
            long message = sending;
            sending = 0;
            done(Operation.SEND, send(message, room));
        }
    }

    private void done(Operation operation, int result) {
        world.note(12, operation.ordinal(), result, () -> socket.name() + " " + operation + " -> " + result);
        loop.execute(() -> listener.done(operation, result));
    }

    private int receive(long message) {
        int total = 0;
        long pieces = count(message);
        for (int i = 0; i < pieces; i++) {
            MemorySegment piece = piece(message, i);
            byte[] data = socket.read((int) piece.byteSize());
            MemorySegment.copy(data, 0, piece, ValueLayout.JAVA_BYTE, 0, data.length);
            world.trace().bytes(data, 0, data.length);
            total += data.length;
            if (data.length < piece.byteSize()) {
                break;
            }
        }
        return total == 0 && !socket.isAtEnd() ? -Errno.EAGAIN : total;
    }

    private int send(long message, int room) {
        int total = 0;
        long pieces = count(message);
        for (int i = 0; i < pieces && total < room; i++) {
            MemorySegment piece = piece(message, i);
            byte[] data = new byte[(int) Math.min(piece.byteSize(), room - total)];
            MemorySegment.copy(piece, ValueLayout.JAVA_BYTE, 0, data, 0, data.length);
            world.trace().bytes(data, 0, data.length);
            socket.send(data);
            total += data.length;
        }
        return total;
    }

    private static long count(long message) {
        return memory(message, HEADER_BYTES).get(ValueLayout.JAVA_LONG_UNALIGNED, 24);
    }

    private static MemorySegment piece(long message, int index) {
        MemorySegment vector = memory(message + HEADER_BYTES + (long) index * IOV_BYTES, IOV_BYTES);
        return memory(vector.get(ValueLayout.JAVA_LONG_UNALIGNED, 0), vector.get(ValueLayout.JAVA_LONG_UNALIGNED, 8));
    }

    @SuppressWarnings("restricted") // What the kernel does: it believes the addresses it is given.
    private static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public void shutDown() {
        shutDown = true;
        world.after(random.nextLong(ENTER_NANOS_MAX), loop, () -> {
            readable();
            roomForMore();
        });
    }

    @Override
    public void release() {
        socket.close();
    }
}
