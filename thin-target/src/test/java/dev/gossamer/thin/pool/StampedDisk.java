package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.sim.ForwardingDevice;
import java.util.HashMap;
import java.util.Map;

/**
 * A {@link VoidDisk} that keeps the first eight bytes of each 64 KiB as well, to tell blocks apart by the ten thousand.
 */
final class StampedDisk extends ForwardingDevice {
    private final Map<Long, Long> stamps = new HashMap<>();

    StampedDisk(long sizeBytes) {
        super(new VoidDisk(sizeBytes));
    }

    @Override
    public void submit(BlockRequest request) {
        long offset = request.offsetBytes();
        if (request.operation() == BlockOperation.WRITE && offset % SimPool.BLOCK == 0) {
            stamps.put(offset, request.buffer().bytes().getLong(request.bufferOffsetBytes()));
        } else if (request.operation() == BlockOperation.READ && stamps.containsKey(offset)) {
            long stamp = stamps.get(offset);
            request.push((done, errno) -> {
                done.buffer().bytes().putLong(done.bufferOffsetBytes(), stamp);
                done.complete(errno);
            });
        }
        below.submit(request);
    }
}
