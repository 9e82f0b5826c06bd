package dev.gossamer.it.sim.world;

import io.netty.channel.ChannelId;

/** Netty's own ids are random. */
record SimChannelId(long number) implements ChannelId {
    @Override
    public String asShortText() {
        return "sim" + number;
    }

    @Override
    public String asLongText() {
        return asShortText();
    }

    @Override
    public int compareTo(ChannelId other) {
        return Long.compare(number, ((SimChannelId) other).number);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(number);
    }
}
