package dev.gossamer.daemon.remote;

import dev.gossamer.io.Faults;
import dev.gossamer.io.Reason;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.client.ClientReplyDecoder;
import dev.gossamer.nbd.client.ClientRequestEncoder;
import dev.gossamer.nbd.client.RemoteExport;
import dev.gossamer.nbd.client.ReplySink;
import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One connection in transmission: commands out, answers in. It lives until {@link #drop}, {@link #sayGoodbye}, the end
 * of the stream or the server's first breach of the protocol (C3); there is no way back. Confined to its event loop.
 *
 * <p>Data to be written is copied into the message, so that the caller's buffer is free of Netty at any moment; the
 * copy serves again when an answered write has to be kept.
 */
@SuppressWarnings("FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception.
final class RemoteConnection extends ChannelInboundHandlerAdapter implements ReplySink {
    /** Told once that the connection is gone, on its loop; not after {@link #drop} or {@link #sayGoodbye}. */
    interface Owner {
        void lost(String why);
    }

    private final RemoteExport export;
    private final NettyLoop loop;
    private final ClientRequestEncoder encoder;
    private final ClientReplyDecoder decoder;
    /** In the order of sending, by cookie. */
    private final Map<Long, RemoteCommand> inFlight = new LinkedHashMap<>();

    private final Runnable flushTask = this::flush;
    private ChannelHandlerContext ctx;
    private Owner owner;
    private boolean closed;
    private boolean flushQueued;
    private long nextCookie = 1;
    private long inFlightBytes;

    /** @param loop that of its channel */
    RemoteConnection(RemoteExport export, NettyLoop loop) {
        this.export = export;
        this.loop = loop;
        this.encoder = new ClientRequestEncoder(export);
        this.decoder = new ClientReplyDecoder(export, this);
    }

    RemoteExport export() {
        return export;
    }

    /** From now on {@code newOwner} learns of the end; at once, if that was before. */
    void setOwner(Owner newOwner) {
        owner = newOwner;
        if (closed) {
            newOwner.lost("server closed the connection");
        }
    }

    boolean isClosed() {
        return closed;
    }

    int inFlight() {
        return inFlight.size();
    }

    long inFlightBytes() {
        return inFlightBytes;
    }

    /** Sends a command; the export must offer it. */
    void send(RemoteCommand command) {
        long cookie = nextCookie++;
        decoder.expect(cookie, command.command, command.flags, command.offsetBytes, command.lengthBytes, 0);
        inFlight.put(cookie, command);
        command.sent(loop.nanoTime());
        inFlightBytes += command.payloadBytes();
        int dataBytes = command.command == NbdCommand.WRITE ? command.payloadBytes() : 0;
        ByteBuf message = ctx.alloc().directBuffer(ClientRequestEncoder.longestRequestBytes() + dataBytes);
        encoder.request(message, command.command, command.flags, cookie, command.offsetBytes, command.lengthBytes);
        if (dataBytes > 0) {
            command.sending(message, message.writerIndex());
        }
        ctx.write(message);
        if (!flushQueued) {
            // Everything sent in this turn of the loop goes in one system call.
            flushQueued = true;
            ctx.executor().execute(flushTask);
        }
    }

    /**
     * Sends a command, unless there is no memory for that: then this connection is of no use any more, and the command
     * is not in flight.
     */
    boolean sends(RemoteCommand command, Faults faults) {
        try {
            send(command);
            return true;
        } catch (RuntimeException | Error fault) {
            faults.caught(fault);
            inFlight.values().removeIf(command::equals);
            return false;
        }
    }

    private void flush() {
        flushQueued = false;
        ctx.flush();
    }

    /** Closes without a word; no command is answered any more. */
    void drop() {
        if (!closed) {
            closed = true;
            decoder.close();
            ctx.close();
        }
    }

    /** Closes in order: the server learns that nothing follows. No command may be in flight. */
    void sayGoodbye() {
        if (!closed) {
            closed = true;
            decoder.close();
            ByteBuf message = ctx.alloc().directBuffer(ClientRequestEncoder.longestRequestBytes());
            encoder.disconnect(message);
            ctx.writeAndFlush(message).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** Runs a task on the loop when the channel is closed. */
    void whenClosed(Runnable task) {
        ctx.channel().closeFuture().addListener(done -> task.run());
    }

    /** What was not answered, in the order of sending; for a connection that is gone. */
    List<RemoteCommand> takeUnanswered() {
        List<RemoteCommand> unanswered = new ArrayList<>(inFlight.values());
        forgetUnanswered();
        return unanswered;
    }

    /** It is somebody else's now. */
    void forgetUnanswered() {
        inFlight.clear();
        inFlightBytes = 0;
    }

    /** What is in flight, in the order of sending. */
    Collection<RemoteCommand> unanswered() {
        return inFlight.values();
    }

    private void lose(String why) {
        if (!closed) {
            drop();
            if (owner != null) {
                owner.lost(why);
            }
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ctx = context;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        try {
            decoder.decode(in);
        } catch (RuntimeException | Error fault) {
            // Now: what comes next would be taken for what is missing of this.
            loop.faults().caught(fault);
            lose("an answer could not be taken in");
        } finally {
            in.release();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        lose("server closed the connection");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        lose("connection failed: " + Reason.of(cause));
    }

    @Override
    public void data(long cookie, long offsetBytes, ByteBuf in, int lengthBytes) {
        inFlight.get(cookie).received(offsetBytes, in, lengthBytes);
    }

    @Override
    public void hole(long cookie, long offsetBytes, long lengthBytes) {
        inFlight.get(cookie).receivedHole(offsetBytes, lengthBytes);
    }

    @Override
    public void status(long cookie, int contextIndex, long offsetBytes, long lengthBytes, long statusFlags) {
        throw new AssertionError("no metadata context is ever selected");
    }

    @Override
    public void finished(long cookie, int nbdError) {
        RemoteCommand command = inFlight.remove(cookie);
        inFlightBytes -= command.payloadBytes();
        command.answered(nbdError);
    }

    @Override
    public void violation(String why) {
        lose("server breaks the protocol: " + why);
    }
}
