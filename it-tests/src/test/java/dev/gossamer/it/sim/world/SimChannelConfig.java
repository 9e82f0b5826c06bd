package dev.gossamer.it.sim.world;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import java.util.Map;

/** With what the server asks of its sockets. */
@SuppressWarnings("ReferenceEquality") // options are constants
final class SimChannelConfig extends DefaultChannelConfig {
    private final SimChannel simulated;
    private boolean halfClosure;

    SimChannelConfig(SimChannel channel, ByteBufAllocator allocator) {
        super(channel);
        simulated = channel;
        setAllocator(allocator);
    }

    boolean allowsHalfClosure() {
        return halfClosure;
    }

    @Override
    protected void autoReadCleared() {
        simulated.autoReadCleared();
    }

    @Override
    public Map<ChannelOption<?>, Object> getOptions() {
        return getOptions(
                super.getOptions(),
                ChannelOption.ALLOW_HALF_CLOSURE,
                ChannelOption.TCP_NODELAY,
                ChannelOption.SO_KEEPALIVE);
    }

    @Override
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        if (option == ChannelOption.ALLOW_HALF_CLOSURE) {
            halfClosure = (Boolean) value;
            return true;
        }
        boolean meaningless = option == ChannelOption.TCP_NODELAY || option == ChannelOption.SO_KEEPALIVE;
        return meaningless || super.setOption(option, value);
    }
}
