package dev.gossamer.daemon.server;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Notices a peer that takes no replies, or began a write and sends no more of it: both hold memory that others need. An
 * idle connection that owes nothing may stay for ever. Confined to the connection's event loop.
 */
final class StallClock {
    /** Looks per stall time: what is reported is late by a quarter at most. */
    private static final int LOOKS = 4;

    private static final long NOTHING_OWED = -1;

    private final NbdConnection connection;
    private final ChannelHandlerContext ctx;
    private final Future<?> timer;
    private long seenPendingBytes = NOTHING_OWED;
    private long seenProgress;
    private int looksWithoutProgress;

    StallClock(NbdConnection connection, ChannelHandlerContext ctx, long stallMillis) {
        this.connection = connection;
        this.ctx = ctx;
        long periodMillis = Math.max(1, stallMillis / LOOKS);
        timer = ctx.executor().scheduleWithFixedDelay(this::look, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
    }

    void stop() {
        timer.cancel(false);
    }

    private void look() {
        ChannelOutboundBuffer output = ctx.channel().unsafe().outboundBuffer();
        if (output == null) {
            return;
        }
        long unsentBytes = output.totalPendingWriteBytes();
        long missingBytes = connection.missingPayloadBytes();
        long pendingBytes = unsentBytes + missingBytes == 0 ? NOTHING_OWED : unsentBytes + missingBytes;
        long progress = output.currentProgress();
        if (pendingBytes == NOTHING_OWED || pendingBytes != seenPendingBytes || progress != seenProgress) {
            looksWithoutProgress = 0;
        } else if (++looksWithoutProgress >= LOOKS) {
            connection.drop(missingBytes > 0 ? "a write was begun and not completed" : "replies are not taken");
        }
        seenPendingBytes = pendingBytes;
        seenProgress = progress;
    }
}
