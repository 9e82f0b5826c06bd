package dev.gossamer.pdata.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.LateReads;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ReadAheadTest {
    private static final int DEVICE_BLOCKS = 4000;
    private static final int CACHE_BLOCKS = 512;
    private static final BlockValidator NODE = BlockValidator.BTREE_NODE;

    private final SimulatedDisk disk = new SimulatedDisk(DEVICE_BLOCKS * 4096L, 4096);
    private final FaultPlan faults = new FaultPlan();
    private final IoBufferPool buffers = new IoBufferPool(4096);
    private final InlineLoop waiting = new InlineLoop(null, buffers);
    private final InlineLoop loop = new InlineLoop(null, buffers);
    private final LateReads late = new LateReads(new FaultyDevice(disk, faults), request -> request.loop() == loop);
    private final BlockManager blocks = new BlockManager(new BlockingIo(late, waiting), DEVICE_BLOCKS, CACHE_BLOCKS);
    private final List<Boolean> arrivals = new ArrayList<>();

    @BeforeEach
    void aDeviceFullOfBlocks() throws StorageException {
        for (int location = 1; location < DEVICE_BLOCKS; location++) {
            blocks.newBlock(location, NODE).putLong(1000, location * 3L);
        }
        blocks.writer().writeNow(blocks.freeze(), null);
        blocks.discardCache();
        late.hold();
    }

    @AfterEach
    void close() {
        assertEquals(0, late.held(), "the test has left reads under way");
        assertEquals(0, loop.requests().inUse(), "requests leaked");
        blocks.close();
        buffers.close();
    }

    @Test
    void allAreUnderWayAtOnceAndReadingThemLaterWaitsForNothing() throws StorageException {
        fetch(LongStream.range(100, 110));
        assertEquals(10, late.held());
        assertEquals(List.of(), arrivals);
        answerAll();
        assertEquals(List.of(true), arrivals);
        long others = late.others();
        assertHolds(LongStream.range(100, 110));
        assertEquals(others, late.others());
        fetch(LongStream.range(100, 110));
        assertEquals(List.of(true, true), arrivals, "what is in the cache has arrived");
    }

    @Test
    void noMoreThanTheBoundIsUnderWayAndAllArriveInAnyOrder() throws StorageException {
        SplittableRandom random = Seeds.splittable(1);
        for (int from = 100; from < 400; from += 30) {
            fetch(LongStream.range(from, from + 30));
        }
        assertEquals(ReadAhead.MAX_IN_FLIGHT, late.held());
        assertTrue(blocks.readAhead().isBusy());
        while (late.held() > 0) {
            late.take(random.nextInt(late.held())).run();
        }
        assertEquals(ReadAhead.MAX_IN_FLIGHT, late.mostUnderWay());
        assertFalse(blocks.readAhead().isBusy());
        assertEquals(10, arrivals.size());
        assertFalse(arrivals.contains(false));
        assertHolds(LongStream.range(100, 400));
    }

    @Test
    void aBlockThatTwoWantIsReadOnce() {
        fetch(LongStream.of(7, 8));
        fetch(LongStream.of(8, 9));
        assertEquals(3, late.held());
        late.take(0).run();
        assertEquals(List.of(), arrivals);
        late.take(0).run();
        assertEquals(List.of(true), arrivals);
        late.take(0).run();
        assertEquals(List.of(true, true), arrivals);
    }

    @Test
    void readDoesNotWaitForABlockOnItsWay() throws StorageException {
        fetch(LongStream.of(7));
        MetadataBlock block = blocks.read(7, NODE);
        assertEquals(21, block.getLong(1000));
        answerAll();
        assertEquals(List.of(true), arrivals);
        assertSame(block, blocks.read(7, NODE), "the late one has replaced it");
        assertEquals(21, block.getLong(1000));
    }

    @Test
    void whatWasReadBeforeABlockWasMadeAnewNeverShows() throws StorageException {
        fetch(LongStream.of(7, 8));
        blocks.newBlock(7, NODE).putLong(1000, 77);
        fetch(LongStream.of(7));
        assertEquals(List.of(true), arrivals, "the new block is there");
        blocks.writer().writeNow(blocks.freeze(), null);
        evictAll();
        assertFalse(blocks.isCached(7));
        answerAll();
        assertEquals(List.of(true, false), arrivals);
        assertEquals(77, blocks.read(7, NODE).getLong(1000), "old contents came late");
        assertHolds(LongStream.of(8));
    }

    @Test
    void aBlockMadeAnewCanBeReadAheadAgainWhileTheOldReadIsUnderWay() throws StorageException {
        fetch(LongStream.of(7));
        blocks.newBlock(7, NODE).putLong(1000, 77);
        blocks.writer().writeNow(blocks.freeze(), null);
        evictAll();
        fetch(LongStream.of(7));
        assertEquals(2, late.held());
        late.take(1).run();
        assertEquals(List.of(true), arrivals);
        answerAll();
        assertEquals(List.of(true, false), arrivals);
        assertEquals(77, blocks.read(7, NODE).getLong(1000));
    }

    @Test
    void aBlockOfTheRunningTransactionStaysWhateverArrives() throws StorageException {
        fetch(LongStream.range(1, 60));
        for (int location = 1; location < 60; location++) {
            blocks.newBlock(location, NODE).putLong(1000, -location);
        }
        answerAll();
        for (int location = 1; location < 60; location++) {
            assertEquals(-location, blocks.read(location, NODE).getLong(1000));
            assertTrue(blocks.isDirty(location));
        }
        assertEquals(59, blocks.dirtyBlocks());
    }

    @Test
    void anAbortLosesNobodyWhoWaitsAndBringsNothingThatIsNotOnTheDevice() throws StorageException {
        fetch(LongStream.range(1, 100));
        for (int location = 1; location < 50; location++) {
            blocks.newBlock(location, NODE).putLong(1000, -location);
        }
        blocks.discardCache();
        for (int location = 2000; location < 2100; location++) {
            blocks.newBlock(location, NODE).putLong(1000, location);
        }
        answerAll();
        assertEquals(1, arrivals.size());
        for (int location = 2000; location < 2100; location++) {
            assertEquals(location, blocks.read(location, NODE).getLong(1000));
        }
        assertHolds(LongStream.range(1, 100));
    }

    @Test
    void whatFailsOrIsDamagedIsDroppedAndTheReadSaysWhy() throws StorageException {
        byte[] damaged = disk.readNow(7 * 4096, 4096);
        damaged[2000] ^= 1;
        disk.writeNow(7 * 4096, damaged);
        disk.writeNow(8 * 4096, disk.readNow(9 * 4096, 4096));
        faults.failRange(BlockOperation.READ, 11 * 4096, 4096, Errno.EIO);
        int resident = blocks.residentBlocks();
        fetch(LongStream.of(7, 8, 9, 11, 0, DEVICE_BLOCKS, -1));
        answerAll();
        assertEquals(List.of(false), arrivals);
        assertEquals(resident + 1, blocks.residentBlocks(), "one has arrived");
        assertHolds(LongStream.of(9));
        assertThrows(MetadataCorrupt.class, () -> blocks.read(7, NODE));
        assertThrows(MetadataCorrupt.class, () -> blocks.read(8, NODE));
        assertThrows(StorageException.class, () -> blocks.read(11, NODE));
    }

    @Test
    void theSuperblockCannotBeReadAheadBecauseItIsWrittenInPlace() {
        assertThrows(AssertionError.class, () -> blocks.readAhead()
                .fetch(loop, new long[] {0}, BlockValidator.SUPERBLOCK, arrivals::add));
    }

    @Test
    void whatArrivesAfterTheEndTouchesNothing() {
        BlockManager closed = new BlockManager(new BlockingIo(late, waiting), DEVICE_BLOCKS, CACHE_BLOCKS);
        closed.readAhead().fetch(loop, new long[] {7}, NODE, arrivals::add);
        closed.close();
        answerAll();
        assertEquals(List.of(false), arrivals);
    }

    private void fetch(LongStream locations) {
        blocks.readAhead().fetch(loop, locations.toArray(), NODE, arrivals::add);
    }

    private void answerAll() {
        while (late.held() > 0) {
            late.take(0).run();
        }
    }

    private void assertHolds(LongStream locations) throws StorageException {
        for (long location : locations.toArray()) {
            assertEquals(location * 3, blocks.read(location, NODE).getLong(1000));
        }
    }

    private void evictAll() throws StorageException {
        for (int location = 1000; location < 1000 + 3 * CACHE_BLOCKS; location++) {
            blocks.read(location, NODE);
        }
    }
}
