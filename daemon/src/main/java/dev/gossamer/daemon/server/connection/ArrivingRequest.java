package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.SlabView;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;

/**
 * The block request of the command that is arriving: made when its header is there, complete when its payload is. A
 * connection has one, as commands arrive one behind the other; there is none while a command needs no device.
 * Confined to the connection's event loop.
 */
final class ArrivingRequest {
    private final IoLoop loop;
    private final HeldMemory memory;
    private final SlabView slab;
    private BlockRequest request;
    private int arrivedBytes;

    ArrivingRequest(IoLoop loop, HeldMemory memory, SlabView slab) {
        this.loop = loop;
        this.memory = memory;
        this.slab = slab;
    }

    /** Makes the request of a command for a device. False, and nothing is made, if its data has no memory now. */
    boolean begin(NbdRequest command) {
        BlockOperation operation = BlockCommands.operation(command.command());
        int flags = BlockCommands.flags(operation, command.flags());
        arrivedBytes = 0;
        if (operation != BlockOperation.READ && operation != BlockOperation.WRITE) {
            made(
                    loop.requests().acquire().command(operation, command.offsetBytes(), command.lengthBytes(), flags),
                    command);
            return true;
        }
        int lengthBytes = (int) command.lengthBytes();
        IoBuffer buffer = memory.tryAcquire(lengthBytes);
        if (buffer == null) {
            return false;
        }
        try {
            made(
                    loop.requests().acquire().transfer(operation, command.offsetBytes(), lengthBytes, flags, buffer, 0),
                    command);
        } catch (RuntimeException | Error noMemory) {
            memory.giveBack(buffer);
            throw noMemory;
        }
        return true;
    }

    /** Of a command that changes nothing but asks for FUA: nothing to do but to commit, what a FLUSH does (T10). */
    void beginFlush(NbdRequest command) {
        made(loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0), command);
    }

    // The command's object is read over by the next one; what the answer needs of it goes along.
    private void made(BlockRequest newRequest, NbdRequest command) {
        newRequest.label(command.cookie(), command.sentOffsetBytes());
        request = newRequest;
    }

    /** Moves payload where it belongs; that of a command without a request is dropped. */
    void payload(ByteBuf in, int lengthBytes) {
        if (request == null) {
            in.skipBytes(lengthBytes);
        } else {
            slab.fill(request.buffer(), arrivedBytes, in, lengthBytes);
            arrivedBytes += lengthBytes;
        }
    }

    /** Where the next payload goes. */
    long payloadAddress() {
        return request.buffer().address() + arrivedBytes;
    }

    /** So much payload has come to {@link #payloadAddress} by itself. */
    void payloadArrived(int bytes) {
        arrivedBytes += bytes;
    }

    /** Payload that has not arrived. */
    long missingBytes() {
        return request != null && request.operation() == BlockOperation.WRITE
                ? request.lengthBytes() - arrivedBytes
                : 0;
    }

    /** The request, which is the caller's now; null if there is none. */
    BlockRequest take() {
        BlockRequest complete = request;
        request = null;
        return complete;
    }

    /** A write whose payload is incomplete leaves no trace. */
    void abandon() {
        BlockRequest abandoned = take();
        if (abandoned != null) {
            memory.giveBack(abandoned.buffer());
            abandoned.recycle();
        }
    }
}
