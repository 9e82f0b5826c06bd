package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.thin.ReadLayout;

/**
 * A READ of which some parts are holes: only the data is read, each run of it as a part of the request, into the place
 * it has in the request's buffer (T18). The holes' places stay untouched memory; the reply names them instead.
 *
 * <p>Owned by the request from its start to its reply, then used again. Confined to the connection's event loop.
 */
final class SparseRead {
    /** Of this command; filled when it begins. */
    ReadLayout layout = new ReadLayout();
    /** Next unused object, while in the connection's list. */
    SparseRead next;

    /** Submits the runs of data; the request completes when the last of them has. */
    void submit(BlockRequest request, BlockDevice device) {
        request.beginSplit();
        for (int i = 0; i < layout.runs(); i++) {
            if (!layout.isHole(i)) {
                long begin = layout.beginBytes(i);
                device.start(request.child(begin, layout.endBytes(i) - begin));
            }
        }
        request.endSplit();
    }

    /** What is not left out. */
    long dataBytes() {
        long sum = 0;
        for (int i = 0; i < layout.runs(); i++) {
            sum += layout.isHole(i) ? 0 : layout.endBytes(i) - layout.beginBytes(i);
        }
        return sum;
    }
}
