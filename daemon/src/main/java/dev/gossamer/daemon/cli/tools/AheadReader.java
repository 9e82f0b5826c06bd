package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.Region;
import dev.gossamer.pdata.scan.RegionPlan;
import dev.gossamer.pdata.scan.WantedBlocks;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.LongConsumer;

/**
 * Reads the next mebibyte on a thread of its own while the caller looks at the last one: two regions go round. The
 * caller's thread counts, so nothing is shared but the regions.
 */
final class AheadReader implements BlockFeed, AutoCloseable {
    private static final int REGIONS = 2;
    private static final int BLOCK_BYTES = 4096;

    private final BlockingIo io;
    private final long blocks;
    private final LongConsumer progress;
    private final List<IoBuffer> buffers = new ArrayList<>();
    private final BlockingQueue<Region> free = new ArrayBlockingQueue<>(REGIONS);
    private final BlockingQueue<Object> full = new ArrayBlockingQueue<>(REGIONS + 1);
    private final Region single;

    /**
     * @param io of a device with room for {@link #REGIONS} mebibytes in its buffers, which nobody else uses
     * @param progress told how many blocks were read, on the caller's thread
     */
    AheadReader(BlockingIo io, long blocks, LongConsumer progress) {
        this.io = io;
        this.blocks = blocks;
        this.progress = progress;
        for (int i = 0; i < REGIONS; i++) {
            free.add(new Region(take(RegionPlan.MAX_BLOCKS * BLOCK_BYTES)));
        }
        single = new Region(take(BLOCK_BYTES));
    }

    private IoBuffer take(int bytes) {
        IoBuffer buffer = io.loop().buffers().acquire(bytes);
        buffers.add(buffer);
        return buffer;
    }

    @Override
    public long blocks() {
        return blocks;
    }

    @Override
    public void feed(WantedBlocks wanted, Visitor visitor) {
        RegionPlan plan = new RegionPlan(wanted);
        if (!plan.advance()) {
            return;
        }
        if (isWhole(wanted, plan)) {
            Region region = free.remove();
            region.read(io, plan.first(), plan.count());
            visit(region, wanted, visitor);
            return;
        }
        Thread reader = Thread.ofPlatform().name("gossamer-ahead").daemon().start(() -> readAll(plan));
        try {
            Object next = full.take();
            while (next instanceof Region region) {
                visit(region, wanted, visitor);
                next = full.take();
            }
            reader.join();
            if (next instanceof Error fault) {
                throw fault;
            }
            if (next instanceof RuntimeException fault) {
                throw fault;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } finally {
            reader.interrupt(); // should the caller have had enough
            io.loop().adopt();
        }
    }

    /** One region is all: a thread would not be worth it. */
    private static boolean isWhole(WantedBlocks wanted, RegionPlan plan) {
        return wanted.next(plan.first() + plan.count()) < 0;
    }

    private void visit(Region region, WantedBlocks wanted, Visitor visitor) {
        region.visit(wanted, visitor);
        progress.accept(region.count());
        free.add(region);
    }

    /** On the reader's thread: to the end of the plan, told by something that is no region. */
    private void readAll(RegionPlan plan) {
        Object end = plan;
        try {
            io.loop().adopt();
            do {
                Region region = free.take();
                region.read(io, plan.first(), plan.count());
                full.put(region);
            } while (plan.advance());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            end = e;
        }
        full.add(end);
    }

    @Override
    public void feed(long location, Visitor visitor) {
        single.read(io, location, 1);
        single.visitAll(visitor);
    }

    @Override
    public void close() {
        buffers.forEach(IoBuffer::release);
    }
}
