package dev.gossamer.thin.owner;

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
 * requests overtake all others: clients who take all that there is must not make the pool look abandoned.
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
        CompletableFuture<byte[]> answer = new CompletableFuture<>();
        IoBuffer buffer = closing ? null : buffers.tryAcquire(data.length);
        if (buffer == null) {
            return CompletableFuture.failedFuture(
                    new StorageException(Errno.ENOMEM, device + ": earlier questions to it have no answer yet"));
        }
        if (operation == BlockOperation.WRITE) {
            buffer.bytes().put(0, data);
        }
        BlockRequest request;
        try {
            request = loop.requests().acquire();
        } catch (RuntimeException | Error fault) {
            buffer.release();
            throw fault;
        }
        request.transfer(operation, offsetBytes, data.length, flags, buffer, 0);
        request.push((done, errno) -> {
            if (operation == BlockOperation.READ) {
                buffer.bytes().get(0, data);
            }
            buffer.release();
            freeIfClosed();
            String what = errno == Errno.OK ? "" : device + ": " + done + " failed: " + Errno.name(errno);
            done.recycle();
            if (errno == Errno.OK) {
                answer.complete(data);
            } else {
                answer.completeExceptionally(new StorageException(errno, what));
            }
        });
        device.start(request);
        return answer;
    }

    CompletableFuture<Void> pause(long nanos) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        loop.schedule(() -> over.complete(null), nanos);
        return over;
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
