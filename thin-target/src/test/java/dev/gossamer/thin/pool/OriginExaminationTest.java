package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.OriginExaminations;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A device that shall be an origin and is slow, fails, or never answers is its command's misfortune alone. */
class OriginExaminationTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int SIZE = 4 * BLOCK;

    /** Answers a read when the test says so. */
    private final class SlowOrigin extends ForwardingDevice {
        final Deque<BlockRequest> waiting = new ArrayDeque<>();
        boolean holding = true;
        int closed;

        SlowOrigin(byte[] contents) {
            super(new SimulatedDisk(contents.length));
            ((SimulatedDisk) below).writeNow(0, contents);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.loop() instanceof InlineLoop) {
                throw new AssertionError("the pool's worker waits for this device");
            }
            if (holding) {
                waiting.add(request);
            } else {
                below.submit(request);
            }
        }

        /** Ends the read that is waited for. */
        void answer(int errno) {
            BlockRequest request = waiting.remove();
            sim.loops.enter(request.loop().index(), () -> {
                if (errno == Errno.OK) {
                    below.submit(request);
                } else {
                    request.complete(errno);
                }
            });
            sim.loops.runUntilIdle();
        }

        @Override
        public void close() {
            closed++;
        }
    }

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private final List<String> opened = new ArrayList<>();
    private SimPool sim;
    private ThinVolume other;

    @BeforeEach
    void makePool() throws StorageException {
        SimPool.format(metadata, data);
        open();
        other = sim.create("other", SIZE);
    }

    private void open() throws StorageException {
        open(Map.of());
    }

    /** @param there origins that can be opened, by their locations */
    private void open(Map<String, SlowOrigin> there) throws StorageException {
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS, location -> {
            opened.add(location);
            if (there.containsKey(location)) {
                return there.get(location);
            }
            throw new StorageException(Errno.ENOENT, location + ": not there");
        });
    }

    /** A volume over an origin of these contents, in a pool that is closed. */
    private void makeOver(String name, byte[] contents) throws StorageException {
        SlowOrigin origin = new SlowOrigin(contents);
        origin.holding = false;
        sim.await(begin(name, origin));
    }

    private void closePool() throws StorageException {
        other.close();
        sim.shutDown();
        opened.clear();
    }

    private SimHarness.Result startRead(ThinVolume volume) {
        SimHarness.Result read = sim.start(0, volume, BlockOperation.READ, 0, BLOCK, 0, null);
        sim.loops.runUntilIdle();
        return read;
    }

    /** The pool is opened at once; whoever reads the origin waits for it, and nobody else. */
    @Test
    void aSlowOriginKeepsThePoolFromNothing() throws StorageException {
        byte[] contents = ThinPoolTest.bytes(5, SIZE);
        makeOver("v", contents);
        closePool();
        SlowOrigin slow = new SlowOrigin(contents);
        open(Map.of("/images/v", slow));
        ThinVolume volume = sim.pool.openVolume("v");
        SimHarness.Result read = startRead(volume);
        SimHarness.Result part = sim.start(1, volume, BlockOperation.WRITE, BLOCK, 512, 0, new byte[512]);
        other = sim.pool.openVolume("other");
        for (int step = 0; step < 16; step++) {
            assertFalse(read.isDone(), "nobody knows yet what it is");
            assertEquals(1, slow.waiting.size(), "one after the other");
            byte[] bytes = ThinPoolTest.bytes(step, BLOCK / 16);
            assertEquals(Errno.OK, sim.write(other, (long) step * bytes.length, bytes));
            assertEquals(Errno.OK, sim.flush(other), "another volume's FLUSH");
            assertEquals(
                    "s" + step,
                    sim.await(sim.pool.createSnapshot("other", "s" + step, false))
                            .name());
            slow.answer(Errno.OK);
        }
        slow.holding = false;
        while (!slow.waiting.isEmpty()) {
            slow.answer(Errno.OK);
        }
        assertTrue(read.isDone());
        assertArrayEquals(Arrays.copyOf(contents, BLOCK), read.data);
        assertEquals(Errno.OK, part.errno);
        byte[] expected = contents.clone();
        Arrays.fill(expected, BLOCK, BLOCK + 512, (byte) 0);
        assertArrayEquals(expected, sim.read(volume, 0, SIZE));
        volume.close();
    }

    @Test
    void whatHasWaitedForAnotherImageFails() throws StorageException {
        makeOver("v", ThinPoolTest.bytes(5, SIZE));
        closePool();
        SlowOrigin slow = new SlowOrigin(ThinPoolTest.bytes(6, SIZE));
        open(Map.of("/images/v", slow));
        ThinVolume volume = sim.pool.openVolume("v");
        SimHarness.Result read = startRead(volume);
        SimHarness.Result write = sim.start(1, volume, BlockOperation.WRITE, BLOCK, 512, 0, new byte[512]);
        while (!slow.waiting.isEmpty()) {
            slow.answer(Errno.OK);
        }
        assertEquals(Errno.EIO, read.errno);
        assertEquals(Errno.EIO, write.errno);
        assertEquals(1, slow.closed);
        assertTrue(sim.pool.volume("v").externalOriginFailure().contains("is not what it was"));
        volume.close();
    }

    @Test
    void thoseThatAreLookedAtAtOnceAreBounded() throws StorageException {
        Map<String, SlowOrigin> there = new HashMap<>();
        int count = ExternalOrigins.LOOKED_AT_AT_ONCE + 3;
        for (int i = 0; i < count; i++) {
            makeOver("v" + i, new byte[SIZE]);
            there.put("/images/v" + i, new SlowOrigin(new byte[SIZE]));
        }
        closePool();
        open(there);
        assertEquals(ExternalOrigins.LOOKED_AT_AT_ONCE, opened.size());
        for (int ended = 0; ended < count; ended++) {
            SlowOrigin next = there.get(opened.get(ended));
            while (!next.waiting.isEmpty()) {
                next.answer(Errno.OK);
            }
            assertEquals(Math.min(count, ended + 1 + ExternalOrigins.LOOKED_AT_AT_ONCE), opened.size());
        }
        for (int i = 0; i < count; i++) {
            assertNull(sim.pool.volume("v" + i).externalOriginFailure());
        }
    }

    @Test
    void readsThatWaitEndWhenThePoolIsClosed() throws StorageException {
        makeOver("v", new byte[SIZE]);
        closePool();
        SlowOrigin slow = new SlowOrigin(new byte[SIZE]);
        open(Map.of("/images/v", slow));
        ThinVolume volume = sim.pool.openVolume("v");
        SimHarness.Result read = startRead(volume);
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertEquals(Errno.EIO, read.errno);
        volume.close();
        slow.answer(Errno.OK);
        assertTrue(closed.isDone());
        ThinPool.join(closed);
        assertEquals(1, slow.closed);
        assertEquals(0, sim.inUse());
        sim.close();
    }

    @AfterEach
    void nothingIsLeft() throws StorageException {
        if (!sim.isClosed()) {
            assertEquals(0, sim.inUse());
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the test");
    }

    private CompletableFuture<VolumeInfo> begin(String name, SlowOrigin origin) {
        CompletableFuture<VolumeInfo> answer =
                sim.pool.createVolumeOver(new VolumeSpec(name, SIZE), "/images/" + name, origin);
        sim.loops.runUntilIdle();
        return answer;
    }

    private StorageException failed(CompletableFuture<VolumeInfo> answer) {
        assertTrue(answer.isDone(), "the command hangs");
        return assertThrows(StorageException.class, () -> ThinPool.join(answer));
    }

    @Test
    void aSlowOriginKeepsNobodyElse() throws StorageException {
        byte[] contents = ThinPoolTest.bytes(5, SIZE);
        SlowOrigin origin = new SlowOrigin(contents);
        CompletableFuture<VolumeInfo> answer = begin("v", origin);
        for (int step = 0; step < 16; step++) {
            assertFalse(answer.isDone(), "all samples are read");
            assertEquals(1, origin.waiting.size(), "one after the other");
            byte[] bytes = ThinPoolTest.bytes(step, BLOCK / 16);
            assertEquals(Errno.OK, sim.write(other, (long) step * bytes.length, bytes));
            assertEquals(Errno.OK, sim.flush(other), "another volume's FLUSH");
            origin.answer(Errno.OK);
        }
        assertEquals("v", ThinPool.join(answer).name());
        origin.holding = false;
        ThinVolume volume = sim.pool.openVolume("v");
        assertArrayEquals(contents, sim.read(volume, 0, SIZE));
        volume.close();
    }

    @Test
    void oneThatFailsIsRefusedAndClosed() throws StorageException {
        SlowOrigin origin = new SlowOrigin(new byte[SIZE]);
        CompletableFuture<VolumeInfo> answer = begin("v", origin);
        origin.answer(Errno.OK);
        origin.answer(Errno.EIO);
        StorageException refused = failed(answer);
        assertEquals(Errno.ENODEV, refused.errno(), "EIO would be the pool's own");
        assertTrue(refused.getMessage().startsWith("/images/v: reading 4096 bytes at "), refused.getMessage());
        assertEquals(1, origin.closed);
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals(1, sim.pool.volumes().size());
    }

    @Test
    void thoseThatNeverAnswerAreBounded() throws StorageException {
        List<SlowOrigin> origins = new ArrayList<>();
        List<CompletableFuture<VolumeInfo>> answers = new ArrayList<>();
        for (int i = 0; i < OriginExaminations.MAX_AT_ONCE; i++) {
            origins.add(new SlowOrigin(new byte[SIZE]));
            answers.add(begin("v" + i, origins.getLast()));
        }
        SlowOrigin more = new SlowOrigin(new byte[SIZE]);
        StorageException refused = failed(begin("more", more));
        assertEquals(Errno.EBUSY, refused.errno());
        assertTrue(refused.getMessage().contains("try again"), refused.getMessage());
        assertEquals(1, more.closed);
        assertEquals(0, more.waiting.size(), "it was not read");
        origins.getFirst().answer(Errno.EIO);
        failed(answers.getFirst());
        SlowOrigin next = new SlowOrigin(new byte[SIZE]);
        next.holding = false;
        assertEquals("next", sim.await(begin("next", next)).name());
        for (int i = 1; i < origins.size(); i++) {
            origins.get(i).answer(Errno.EIO);
            failed(answers.get(i));
        }
    }

    @Test
    void aPoolThatIsClosedCommitsAndThenWaitsForTheReadAlone() throws StorageException {
        SlowOrigin origin = new SlowOrigin(new byte[SIZE]);
        final CompletableFuture<VolumeInfo> answer = begin("v", origin);
        assertEquals(Errno.OK, sim.write(other, 0, ThinPoolTest.bytes(9, BLOCK)));
        other.close();
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone(), "its memory is still being written to");
        SimPool.assertSound(metadata, "committed");
        origin.answer(Errno.OK);
        assertEquals(Errno.ESHUTDOWN, failed(answer).errno());
        assertEquals(0, origin.waiting.size(), "no other read is begun");
        assertEquals(1, origin.closed);
        assertTrue(closed.isDone());
        ThinPool.join(closed);
        assertEquals(0, sim.inUse());
        sim.close();
        open();
        assertArrayEquals(ThinPoolTest.bytes(9, BLOCK), sim.read(sim.pool.openVolume("other"), 0, BLOCK));
    }

    @Test
    void aSnapshotOverAnOriginThatIsAwayIsNotWaitedFor() throws StorageException {
        SlowOrigin origin = new SlowOrigin(new byte[SIZE]);
        origin.holding = false;
        sim.await(begin("v", origin));
        sim.shutDown();
        opened.clear();
        open();
        assertEquals(List.of("/images/v"), opened);
        sim.await(sim.pool.createSnapshot("v", "s", false));
        sim.await(sim.pool.rollBack("v", "s", "kept"));
        assertEquals(List.of("/images/v"), opened, "it is looked for when the pool is opened, and not by its worker");
        for (String name : new String[] {"v", "s", "kept"}) {
            assertEquals("/images/v: not there", sim.pool.volume(name).externalOriginFailure(), name);
        }
    }
}
