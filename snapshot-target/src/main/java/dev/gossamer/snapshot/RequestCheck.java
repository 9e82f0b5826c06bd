package dev.gossamer.snapshot;

import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/** The checks that every device makes once, before it looks at what a request is for. */
final class RequestCheck {
    private RequestCheck() {}

    /** Checks all but a FLUSH, which has no range. @return what is wrong with the request, or 0 */
    static int errno(BlockGeometry geometry, BlockRequest request) {
        BlockOperation operation = request.operation();
        if (geometry.readOnly() && operation != BlockOperation.READ) {
            return Errno.EROFS;
        }
        if (operation == BlockOperation.DISCARD && geometry.discardBytes() == 0) {
            return Errno.EOPNOTSUPP;
        }
        boolean fits = geometry.contains(request.offsetBytes(), request.lengthBytes())
                && geometry.isAligned(request.offsetBytes(), request.lengthBytes())
                && (request.buffer() == null || geometry.isAligned(request.address(), 0));
        return fits ? Errno.OK : Errno.EINVAL;
    }
}
