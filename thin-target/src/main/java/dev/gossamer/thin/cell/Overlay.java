package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.buffer.IoBuffer;

/** Puts the bytes of a WRITE or WRITE_ZEROES over what a buffer holds of the same volume. */
public final class Overlay {
    private Overlay() {}

    /**
     * Copies the part of the request that falls into a window of the volume.
     *
     * @param windowOffsetBytes where in the volume the buffer's first byte belongs
     */
    static void copy(BlockRequest request, IoBuffer window, long windowOffsetBytes, int windowBytes) {
        long from = Math.max(request.offsetBytes(), windowOffsetBytes);
        long to = Math.min(request.offsetBytes() + request.lengthBytes(), windowOffsetBytes + windowBytes);
        if (from >= to) {
            return;
        }
        int at = (int) (from - windowOffsetBytes);
        int bytes = (int) (to - from);
        if (request.operation() == BlockOperation.WRITE) {
            int source = request.bufferOffsetBytes() + (int) (from - request.offsetBytes());
            window.copyFrom(at, request.buffer(), source, bytes);
        } else {
            window.zero(at, bytes);
        }
    }
}
