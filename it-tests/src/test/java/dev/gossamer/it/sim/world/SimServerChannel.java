package dev.gossamer.it.sim.world;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.AbstractServerChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;

/** A listener of the simulated network; made by Netty, so it finds its {@link World} by the thread. */
@SuppressWarnings({"ReferenceEquality", "AddressSelection"}) // one world, one option; an address in digits
public final class SimServerChannel extends AbstractServerChannel {
    /** There is one, which means nothing. */
    public static final InetSocketAddress ADDRESS = new InetSocketAddress("127.0.0.1", 10809);

    private static final ThreadLocal<List<SimServerChannel>> BOUND = ThreadLocal.withInitial(ArrayList::new);

    private final World world = World.current();
    private final ChannelConfig config = new DefaultChannelConfig(this) {
        @Override
        public <T> boolean setOption(ChannelOption<T> option, T value) {
            return option == ChannelOption.SO_REUSEADDR || super.setOption(option, value);
        }
    };
    /** Of this life's connections: what they do not give back is seen at its end. */
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);

    private long accepted;
    private boolean open = true;
    private boolean bound;

    /** The one that listens in this world; null if none does. */
    static SimServerChannel listening(World world) {
        for (SimServerChannel channel : BOUND.get()) {
            if (channel.world == world && channel.open) {
                return channel;
            }
        }
        return null;
    }

    /** Bytes of Netty's buffers that connections hold. */
    long bufferBytes() {
        return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
    }

    /** Forgets all that listen: their processes are gone. */
    static void forgetAll() {
        BOUND.get().clear();
    }

    /** A client connects. @return its end; null if nobody listens */
    public static SimSocket connect(World world, NetMood mood, String name, int host) {
        SimServerChannel server = listening(world);
        if (server == null) {
            return null;
        }
        SimSocket[] ends = SimSocket.pair(world, mood, name);
        long number = ++server.accepted;
        InetSocketAddress from = new InetSocketAddress("10.0.0." + host, 1024 + (int) (number % 60_000));
        server.eventLoop().execute(() -> {
            if (server.open) {
                server.pipeline()
                        .fireChannelRead(new SimChannel(server, world, ends[1], number, from, server.allocator));
                server.pipeline().fireChannelReadComplete();
            } else {
                ends[1].reset();
            }
        });
        return ends[0];
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return loop instanceof SimEventLoop;
    }

    @Override
    protected SocketAddress localAddress0() {
        return ADDRESS;
    }

    @Override
    protected void doBind(SocketAddress address) {
        bound = true;
        BOUND.get().add(this);
    }

    @Override
    protected void doClose() {
        open = false;
        BOUND.get().remove(this);
    }

    @Override
    protected void doBeginRead() {
        // who connects is accepted at once
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open && bound;
    }
}
