package dev.gossamer.pdata.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The steps of a commit on devices that answer when they like. */
final class TransactionWriterTest {
    private static final int DEVICE_BLOCKS = 4096;

    private final IoBufferPool buffers = new IoBufferPool(4096);
    private final SimLoops loops = new SimLoops(1, 1, 4096);
    private final HeldDevice metadata = new HeldDevice();
    private final HeldDevice data = new HeldDevice();
    private final List<StorageException> ends = new ArrayList<>();
    private BlockManager blocks;

    /** Keeps what is submitted on the simulated loop until it is answered; what is done inline goes straight on. */
    private static final class HeldDevice implements BlockDevice {
        final SimulatedDisk disk = new SimulatedDisk(DEVICE_BLOCKS * 4096L);
        final List<BlockRequest> held = new ArrayList<>();
        final DeviceHealth health = new DeviceHealth(this);
        boolean unspeakable;

        @Override
        public DeviceHealth health() {
            return health;
        }

        @Override
        public String toString() {
            if (unspeakable) {
                throw new OutOfMemoryError("no memory for a message");
            }
            return "a device";
        }

        @Override
        public BlockGeometry geometry() {
            return disk.geometry();
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.loop() instanceof InlineLoop) {
                disk.submit(request);
            } else {
                held.add(request);
            }
        }

        @Override
        public void close() {}

        List<String> waiting() {
            return held.stream()
                    .map(r -> r.operation() == BlockOperation.FLUSH
                            ? "FLUSH"
                            : r.operation() + " " + r.offsetBytes() / 4096 + "+" + r.lengthBytes() / 4096
                                    + (r.hasFlag(BlockRequest.FUA) ? " FUA" : ""))
                    .toList();
        }
    }

    @BeforeEach
    void aDeviceWithASuperblock() throws StorageException {
        blocks = new BlockManager(new BlockingIo(metadata, new InlineLoop(null, buffers)), DEVICE_BLOCKS, 64);
        write(blocks.freeze(blocks.freeze(), blocks.newSuperblock()));
        ends.clear();
    }

    @AfterEach
    void close() {
        blocks.close();
        loops.close();
        buffers.close();
    }

    @Test
    void theSuperblockWaitsForBothFlushesAndTheMetadataFlushForAllWrites() throws Exception {
        start(frozen(10, 11, 12, 20));
        assertEquals(List.of("FLUSH"), data.waiting());
        assertEquals(List.of("WRITE 10+3", "WRITE 20+1"), metadata.waiting());
        answer(metadata, 1, Errno.OK);
        assertEquals(List.of("WRITE 10+3"), metadata.waiting());
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of("FLUSH"), metadata.waiting());
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of(), metadata.waiting(), "the data is not stable");
        answer(data, 0, Errno.OK);
        assertEquals(List.of("WRITE 0+1 FUA"), metadata.waiting());
        assertEquals(List.of(), ends);
        answer(metadata, 0, Errno.OK);
        assertSucceeded();
    }

    /** A report of a lost write goes to one flush only, and that one was somebody else's (G-3). */
    @Test
    void theSuperblockIsNotWrittenIfTheDataDeviceHasFailedMeanwhile() throws Exception {
        start(frozen(10));
        answer(data, 0, Errno.OK);
        answer(metadata, 0, Errno.OK);
        data.health.flushed(Errno.EIO);
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of(), metadata.waiting());
        assertEquals(1, ends.size());
        assertTrue(ends.getFirst().getMessage().contains("may be lost"), () -> "" + ends.getFirst());
    }

    @Test
    void aStableDataDeviceDoesNotHurryTheSuperblock() throws Exception {
        start(frozen(10));
        answer(data, 0, Errno.OK);
        assertEquals(List.of("WRITE 10+1"), metadata.waiting());
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of("FLUSH"), metadata.waiting(), "the blocks are not stable");
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of("WRITE 0+1 FUA"), metadata.waiting());
        answer(metadata, 0, Errno.OK);
        assertSucceeded();
    }

    @Test
    void withNothingToWriteTheDataIsFlushed() {
        start(FrozenTransaction.EMPTY);
        assertEquals(List.of(), metadata.waiting());
        assertFalse(blocks.writer().isIdle());
        answer(data, 0, Errno.OK);
        assertSucceeded();
    }

    @Test
    void aFailureBeginsNothingMoreAndIsToldWhenAllHasEnded() throws Exception {
        start(frozen(10, 20));
        answer(data, 0, Errno.ENOSPC);
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of(), ends, "a write is under way");
        assertEquals(List.of("WRITE 20+1"), metadata.waiting());
        answer(metadata, 0, Errno.EIO);
        assertEquals(1, ends.size());
        assertEquals(Errno.ENOSPC, ends.getFirst().errno(), "the first failure");
        assertEquals(List.of(), metadata.waiting());
        assertTrue(blocks.writer().isIdle());
    }

    @Test
    void cancelledItBeginsNothingMoreAndEndsWithWhatIsUnderWay() throws Exception {
        start(frozen(10));
        blocks.discardCache();
        answer(data, 0, Errno.OK);
        assertEquals(List.of(), ends);
        assertThrows(AssertionError.class, () -> start(FrozenTransaction.EMPTY), "one at a time");
        answer(metadata, 0, Errno.OK);
        assertEquals(List.of(), metadata.waiting());
        assertEquals(1, ends.size());
        assertNotNull(ends.getFirst());
        assertTrue(blocks.writer().isIdle());
    }

    /** Who breaks a commit off, or has it fail, may have no memory to say why. */
    @Test
    void theEndComesAlthoughNobodyCanSayWhy() throws Exception {
        loops.expectFaults();
        metadata.unspeakable = true;
        start(frozen(10));
        answer(data, 0, Errno.OK);
        answer(metadata, 0, Errno.EIO);
        assertFailed();
    }

    @Test
    void theEndComesWhereverTheLoopThrowsWithoutAWord() throws Exception {
        loops.expectFaults();
        data.unspeakable = true;
        metadata.unspeakable = true;
        int places = 0;
        for (boolean thrown = true; thrown; ) {
            ThrowingLoop loop = new ThrowingLoop(loops.loop(0));
            loop.throwAt(places + 1, new OutOfMemoryError("Java heap space"));
            FrozenTransaction frozen = frozen(100 + places, 200 + places);
            ends.clear();
            loops.enter(0, () -> blocks.writer().start(frozen, loop, data, ends::add));
            for (int i = 0; i < 10; i++) {
                if (!data.held.isEmpty()) {
                    answer(data, 0, Errno.OK);
                }
                if (!metadata.held.isEmpty()) {
                    answer(metadata, 0, Errno.OK);
                }
            }
            thrown = loop.hasThrown();
            if (thrown) {
                places++;
                assertFailed();
            }
        }
        assertSucceeded();
        assertEquals(5, places, "two flushes and three writes");
    }

    /** The frames hold other blocks by the time the disk gets around to the writes. */
    @Test
    void whatIsUnderWayIsWrittenAsItWasFrozenThoughTheCacheIsThrownAway() throws Exception {
        start(frozen(10, 11, 20));
        blocks.discardCache();
        for (int location = 100; location < 160; location++) {
            blocks.newBlock(location, BlockValidator.BTREE_NODE).putLong(1000, -1);
        }
        while (!metadata.held.isEmpty()) {
            BlockRequest request = metadata.held.removeFirst();
            loops.enter(0, () -> metadata.disk.submit(request));
            loops.runUntilIdle();
        }
        answer(data, 0, Errno.OK);
        blocks.discardCache();
        for (int location : new int[] {10, 11, 20}) {
            assertEquals(
                    location * 3L,
                    blocks.read(location, BlockValidator.BTREE_NODE).getLong(1000));
        }
    }

    @Test
    void aFrozenBlockStaysInTheCacheUntilItIsWritten() throws Exception {
        start(frozen(10, 20));
        long reads = blocks.reads();
        for (int location = 1000; location < 1200; location++) {
            blocks.newBlock(location, BlockValidator.BTREE_NODE);
            blocks.forget(location);
        }
        assertEquals(30, blocks.read(10, BlockValidator.BTREE_NODE).getLong(1000));
        assertThrows(AssertionError.class, () -> blocks.newBlock(10, BlockValidator.BTREE_NODE), "it is in use");
        assertEquals(reads, blocks.reads());
        while (!blocks.writer().isIdle()) {
            answer(metadata.held.isEmpty() ? data : metadata, 0, Errno.OK);
        }
        assertSucceeded();
    }

    /** Many times what may be under way at once; what is held back goes on in any order. */
    @Test
    void aLargeTransactionWaitsForMemory() throws Exception {
        int[] locations = new int[2000];
        for (int i = 0; i < locations.length; i++) {
            locations[i] = 10 + i + i / 100;
        }
        start(frozen(locations));
        SplittableRandom random = Seeds.splittable(5);
        int most = 0;
        while (!blocks.writer().isIdle()) {
            long underWay =
                    metadata.held.stream().mapToLong(BlockRequest::lengthBytes).sum();
            most = (int) Math.max(most, underWay / 4096);
            HeldDevice device = data.held.isEmpty() || !metadata.held.isEmpty() ? metadata : data;
            BlockRequest request = device.held.remove(random.nextInt(device.held.size()));
            loops.enter(0, () -> device.disk.submit(request));
            loops.runUntilIdle();
        }
        assertSucceeded();
        assertTrue(most > 64 && most <= 256, most + " blocks under way");
        blocks.discardCache();
        for (int location : locations) {
            assertEquals(
                    location * 3L,
                    blocks.read(location, BlockValidator.BTREE_NODE).getLong(1000));
        }
    }

    private FrozenTransaction frozen(int... locations) throws StorageException {
        for (int location : locations) {
            blocks.newBlock(location, BlockValidator.BTREE_NODE).putLong(1000, location * 3L);
        }
        return blocks.freeze(blocks.freeze(), blocks.superblockForUpdate());
    }

    private void start(FrozenTransaction frozen) {
        loops.enter(0, () -> blocks.writer().start(frozen, loops.loop(0), data, ends::add));
    }

    private void write(FrozenTransaction frozen) throws StorageException {
        blocks.writer().writeNow(frozen, null);
    }

    private void answer(HeldDevice device, int index, int errno) {
        BlockRequest request = device.held.remove(index);
        loops.enter(0, () -> request.complete(errno));
    }

    private void assertFailed() {
        assertEquals(1, ends.size());
        assertEquals(Errno.EIO, ends.getFirst().errno());
        assertTrue(blocks.writer().isIdle());
    }

    private void assertSucceeded() {
        assertEquals(1, ends.size());
        assertNull(ends.getFirst());
        assertTrue(blocks.writer().isIdle());
    }
}
