package dev.gossamer.io.ring;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.Descriptors;
import io.netty.channel.Channel;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.unix.UnixChannel;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A socket on the io_uring of its loop. */
final class UringPort implements RingPort, IoUringIoHandle {
    private static final Logger LOG = LoggerFactory.getLogger(UringPort.class);

    // Operation codes and flags of the kernel's interface (uapi/linux/io_uring.h, socket.h).
    private static final byte OP_POLL_ADD = 6;
    private static final byte OP_SENDMSG = 9;
    private static final byte OP_RECVMSG = 10;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int POLLRDHUP = 0x2000;

    private final NettyLoop loop;
    private final int descriptor;
    private Listener listener;
    private IoRegistration registration;

    /** @param descriptor a connected socket that nobody else reads or writes; closed with this object */
    UringPort(NettyLoop loop, int descriptor) {
        Invariant.check(loop.files() instanceof RingFileEngine, "a loop without a ring");
        this.loop = loop;
        this.descriptor = descriptor;
    }

    /** Of channels that have a descriptor, which is duplicated. */
    static final RingPorts PORTS = new RingPorts() {
        @Override
        public boolean canTake(Channel channel) {
            return channel instanceof UnixChannel;
        }

        @Override
        public RingPort take(NettyLoop loop, Channel channel) throws StorageException {
            return new UringPort(
                    loop, Descriptors.duplicate(((UnixChannel) channel).fd().intValue()));
        }
    };

    @Override
    public void open(Listener itsListener) {
        listener = itsListener;
        registration = loop.eventLoop().register(this).getNow();
        Invariant.check(registration != null, "registered by another thread than the loop's");
    }

    @Override
    public boolean submit(Operation operation, long messageAddress) {
        return switch (operation) {
            case RECEIVE -> submit(OP_RECVMSG, messageAddress, 1, 0);
            case SEND -> submit(OP_SENDMSG, messageAddress, 1, MSG_NOSIGNAL);
            case WATCH -> submit(OP_POLL_ADD, 0, 0, POLLRDHUP);
        };
    }

    private boolean submit(byte code, long address, int length, int messageFlags) {
        if (!registration.isValid()) {
            return false; // the loop ends; the process does, too
        }
        try {
            registration.submit(new IoUringIoOps(
                    code,
                    (byte) 0,
                    (short) 0,
                    descriptor,
                    0,
                    address,
                    length,
                    messageFlags,
                    (long) code,
                    (short) 0,
                    (short) 0,
                    0,
                    0));
        } catch (RuntimeException | OutOfMemoryError e) {
            // Netty throws before it queues the entry, for want of room or memory, or not at all. One connection ends.
            LOG.warn("connection ends, the kernel takes no I/O now", e);
            return false;
        }
        return true;
    }

    /** A completion. Netty reuses the event. */
    @Override
    public void handle(IoRegistration source, IoEvent ioEvent) {
        IoUringIoEvent event = (IoUringIoEvent) ioEvent;
        Operation operation =
                switch (event.opcode()) {
                    case OP_RECVMSG -> Operation.RECEIVE;
                    case OP_SENDMSG -> Operation.SEND;
                    default -> Operation.WATCH;
                };
        listener.done(operation, event.res());
    }

    @Override
    public void shutDown() {
        Descriptors.shutDown(descriptor);
    }

    @Override
    public void release() {
        Descriptors.close(descriptor);
        if (registration != null) {
            registration.cancel();
        }
    }

    /** Netty's, when the loop ends. */
    @Override
    public void close() {
        listener.loopEnds();
    }
}
