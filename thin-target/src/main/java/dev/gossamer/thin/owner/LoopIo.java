package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.concurrent.CompletableFuture;

/**
 * I/O of the owner's own, on one loop, whose answers are futures that complete there. Its memory is its own, and its
 * requests overtake all others: clients who take all that there is must not make the pool look abandoned. What goes
 * wrong, for want of heap too, is the answer: nothing here throws, and no answer is missing.
 */
final class LoopIo {
    /** A superblock and the owner block at once, each a few times over: checks of both devices may overlap. */
    private static final int BUFFER_BYTES = 1 << 20;

    private final IoLoop loop;
    private final IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES);
    private boolean closing;
    private boolean freed;

    LoopIo(IoLoop loop) {
        this.loop = loop;
    }

    CompletableFuture<byte[]> read(BlockDevice device, long offsetBytes, int lengthBytes) {
        return transfer(device, BlockOperation.READ, offsetBytes, new byte[lengthBytes], BlockRequest.URGENT);
    }

    /** Stable when it completes, as far as the device can do that. */
    CompletableFuture<byte[]> write(BlockDevice device, long offsetBytes, byte[] data) {
        return transfer(device, BlockOperation.WRITE, offsetBytes, data, BlockRequest.FUA | BlockRequest.URGENT);
    }

    private CompletableFuture<byte[]> transfer(
            BlockDevice device, BlockOperation operation, long offsetBytes, byte[] data, int flags) {
        IoBuffer buffer = null;
        BlockRequest request;
        Transfer transfer;
        try {
            transfer = new Transfer(device, data);
            buffer = closing ? null : buffers.tryAcquire(data.length);
            if (buffer == null) {
                return CompletableFuture.failedFuture(
                        new StorageException(Errno.ENOMEM, device + ": earlier questions to it have no answer yet"));
            }
            request = loop.requests().acquire();
        } catch (RuntimeException | Error fault) {
            if (buffer != null) {
                buffer.release();
            }
            return CompletableFuture.failedFuture(fault);
        }
        if (operation == BlockOperation.WRITE) {
            buffer.bytes().put(0, data);
        }
        request.transfer(operation, offsetBytes, data.length, flags, buffer, 0);
        request.push(transfer);
        device.start(request);
        return transfer.answer;
    }

    /** One question on its way. */
    private final class Transfer implements BlockCompletion {
        private final CompletableFuture<byte[]> answer = new CompletableFuture<>();
        private final BlockDevice device;
        private final byte[] data;

        Transfer(BlockDevice device, byte[] data) {
            this.device = device;
            this.data = data;
        }

        @Override
        public void complete(BlockRequest request, int errno) {
            Throwable failure;
            try {
                failure = outcome(request, errno);
            } catch (RuntimeException | Error fault) {
                failure = fault;
            }
            request.buffer().release();
            request.recycle();
            freeIfClosed();
            if (failure == null) {
                answer.complete(data);
            } else {
                answer.completeExceptionally(failure);
            }
        }

        /** Null if it is good. */
        private Throwable outcome(BlockRequest request, int errno) {
            if (errno != Errno.OK) {
                return new StorageException(errno, device + ": " + request + " failed: " + Errno.name(errno));
            }
            if (request.operation() == BlockOperation.READ) {
                request.buffer().bytes().get(0, data);
            }
            return null;
        }
    }

    CompletableFuture<Void> pause(long nanos) {
        try {
            CompletableFuture<Void> over = new CompletableFuture<>();
            loop.schedule(() -> over.complete(null), nanos);
            return over;
        } catch (RuntimeException | Error fault) {
            return CompletableFuture.failedFuture(fault);
        }
    }

    /** Nothing more is asked: frees the memory, once the last answer has come into it. */
    void close() {
        closing = true;
        freeIfClosed();
    }

    private void freeIfClosed() {
        if (closing && !freed && buffers.usedBytes() == 0) {
            freed = true;
            buffers.close();
        }
    }
}
