package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.worker.LongCommands;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapLookup;
import dev.gossamer.thin.message.VolumeResize;
import dev.gossamer.thin.space.SpaceWaiters;
import dev.gossamer.thin.worker.PoolWorker;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** Zeroes what a volume's last block holds behind the volume's end, as a client's request would, but for its place. */
final class HiddenTails implements VolumeResize.HiddenTail {
    private final BlockDevice data;
    private final List<? extends IoLoop> ioLoops;
    private final IoLoop worker;
    private final PerLoop<MapLookup> lookups;
    private final PerLoop<LongCommands> longCommands;
    private final RequestsInFlight inFlight;
    private final PoolWorker admission;
    private final SpaceWaiters spaceWaiters;

    HiddenTails(BlockDevice data, List<? extends IoLoop> ioLoops, PoolParts parts) {
        this.data = data;
        this.ioLoops = ioLoops;
        worker = parts.loop;
        lookups = parts.lookups;
        longCommands = parts.longCommands;
        inFlight = parts.inFlight;
        admission = parts.worker;
        spaceWaiters = parts.spaceWaiters;
    }

    @Override
    public void zero(ThinDevice device, IntConsumer done) {
        if (ioLoops.isEmpty()) {
            done.accept(Errno.EOPNOTSUPP);
            return;
        }
        long from = device.sizeBytes();
        long to = device.blocks() * device.blockBytes();
        // Made here, where what it throws is told: on the loop nobody would be.
        Consumer<BlockRequest> serve = new Behind(device, to)::serveInOrder;
        int[] result = {Errno.EIO};
        Wakeup ended = new Wakeup(worker, () -> done.accept(result[0]));
        BlockCompletion afterZeroing = (request, errno) -> {
            result[0] = errno;
            request.recycle();
            ended.call();
        };
        IoLoop loop = ioLoops.getFirst();
        loop.execute(() -> {
            BlockRequest zero;
            try {
                zero = loop.requests().acquire();
            } catch (RuntimeException | Error fault) {
                loop.faults().caught(fault);
                ended.call();
                return;
            }
            zero.command(BlockOperation.WRITE_ZEROES, from, to - from, BlockRequest.NO_UNMAP);
            zero.push(afterZeroing);
            zero.guard(serve);
        });
    }

    /** A handle that ends with the last block. */
    private final class Behind extends VolumeRequests {
        private final long endBytes;

        Behind(ThinDevice device, long endBytes) {
            super(device, data, device.writeOrder(ioLoops), lookups, longCommands, inFlight, admission, spaceWaiters);
            this.endBytes = endBytes;
        }

        @Override
        public long endBytes(BlockRequest request) {
            return endBytes;
        }
    }
}
