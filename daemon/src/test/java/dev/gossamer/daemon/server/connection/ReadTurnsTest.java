package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.daemon.server.stream.ConnectionLife.State;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestStages;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.ReadLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How READs that take turns share a loop and its device, and leave some of both to others. */
class ReadTurnsTest {
    private static final int PIECE = ReadTurns.LONG_TURN_BYTES;
    private static final int SIZE = 8 * PIECE;

    private static final class Sim extends SimHarness {
        Sim() {
            super(1, 1, 1 << 26);
        }
    }

    private final Sim sim = new Sim();
    private final SimulatedDisk disk = new SimulatedDisk(SIZE);
    private final SlowDisk slow = new SlowDisk(disk);
    private final CommandCount commands = new CommandCount();
    private final ReadTurns turns = new ReadTurns(sim.loops.loop(0), commands, true);
    private final List<Long> asked = new ArrayList<>();
    private final List<Long> waited = new ArrayList<>();

    @AfterEach
    void close() {
        sim.close();
    }

    private SimHarness.Result read(long offset, int length, ReadLayout layout, ConnectionLife life) {
        return read(offset, length, layout, life, new LineQueue.Line());
    }

    private SimHarness.Result read(
            long offset, int length, ReadLayout layout, ConnectionLife life, LineQueue.Line line) {
        return read(turns, offset, length, layout, life, line);
    }

    private SimHarness.Result read(
            ReadTurns turns, long offset, int length, ReadLayout layout, ConnectionLife life, LineQueue.Line line) {
        BlockDevice noted = new ForwardingDevice(slow) {
            @Override
            public void submit(BlockRequest request) {
                asked.add(request.offsetBytes());
                super.submit(request);
            }
        };
        BlockDevice stepped = new ForwardingDevice(noted) {
            @Override
            public void submit(BlockRequest request) {
                commands.change(1);
                request.push((done, errno) -> {
                    commands.change(-1);
                    waited.add(done.stages().nanos(RequestStages.TURN));
                    done.complete(errno);
                });
                if (layout == null && length <= PIECE) {
                    new ShortRead(below, turns, line, life).start(request);
                } else {
                    new SteppedRead(request, layout, below, turns, line, life).start();
                }
            }
        };
        return sim.start(0, stepped, BlockOperation.READ, offset, length, 0, null);
    }

    @Test
    void thoseOfALoopTakeTurns() {
        byte[] contents = new byte[SIZE];
        Seeds.random(1).nextBytes(contents);
        disk.writeNow(0, contents);
        slow.hold(request -> true);
        SimHarness.Result one = read(0, 3 * PIECE, null, new ConnectionLife());
        SimHarness.Result other = read(4L * PIECE, 3 * PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        while (slow.heldCount() > 0) {
            assertEquals(1, slow.heldCount(), "the next begins when one has ended");
            slow.letGoFirst(sim);
        }
        List<Long> expected = new ArrayList<>();
        for (long i = 0; i < 3; i++) {
            expected.add(i * PIECE);
            expected.add((4 + i) * PIECE);
        }
        assertEquals(expected, asked);
        assertArrayEquals(Arrays.copyOfRange(contents, 0, 3 * PIECE), one.data);
        assertArrayEquals(Arrays.copyOfRange(contents, 4 * PIECE, 7 * PIECE), other.data);
    }

    @Test
    void timeInLineIsNotTheDevices() {
        slow.hold(request -> true);
        read(0, PIECE, null, new ConnectionLife());
        read(PIECE, PIECE, null, new ConnectionLife());
        read(2L * PIECE, 2 * PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        for (int i = 0; i < 4; i++) {
            sim.loops.advance(500_000);
            slow.letGoFirst(sim);
        }
        assertEquals(List.of(0L, 500_000L, 1_000_000L), waited, "the last one's pieces follow each other");
    }

    /** A timer that has had others begin as well does not leave more under way for good. */
    @Test
    void onAFastDiskTheyStayInTheirTurns() {
        slow.hold(request -> true);
        for (int i = 0; i < 8; i++) {
            read(0, SIZE, null, new ConnectionLife());
        }
        sim.loops.runUntilIdle();
        for (int i = 0; i < 50; i++) {
            slow.letGoFirst(sim);
            sim.loops.advance(200_000);
            assertTrue(slow.heldCount() <= 2, slow.heldCount() + " pieces at a time");
        }
        slow.letGo(sim);
    }

    /** Nobody waits long for a piece that another waits for. */
    @Test
    void aSlowDiskIsAskedForOthersMeanwhile() {
        slow.hold(request -> true);
        for (int i = 0; i < 4; i++) {
            read(2L * i * PIECE, 2 * PIECE, null, new ConnectionLife());
        }
        sim.loops.runUntilIdle();
        assertEquals(1, slow.heldCount());
        sim.loops.advance(2_000_000);
        assertEquals(3, slow.heldCount());
        sim.loops.advance(10_000_000);
        assertEquals(4, slow.heldCount(), "one piece each");
        slow.letGo(sim);
        assertEquals(8, asked.size());
    }

    /** Whose device is stuck keeps nobody from another one: each of his READs costs others a moment, once. */
    @Test
    void aStuckDeviceIsNotWaitedFor() {
        commands.change(1);
        slow.hold(request -> request.offsetBytes() < PIECE);
        LineQueue.Line stuck = new LineQueue.Line();
        for (int i = 0; i < 3; i++) {
            read(0, ReadTurns.SHORT_TURN_BYTES, null, new ConnectionLife(), stuck);
        }
        SimHarness.Result other = read(PIECE, 4096, null, new ConnectionLife());
        SimHarness.Result longOne = read(2L * PIECE, PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        assertFalse(other.isDone());
        sim.loops.advance(200_000_000);
        assertTrue(other.isDone());
        assertTrue(longOne.isDone());
        assertEquals(3, slow.heldCount());
        slow.letGo(sim);
        SimHarness.Result after = read(0, 4 * PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        sim.loops.advance(200_000_000);
        assertTrue(after.isDone(), "what has come back late is counted once");
    }

    @Test
    void aShortOneIsNotReadForAClientThatIsGoneEither() {
        slow.hold(request -> true);
        read(0, PIECE, null, new ConnectionLife());
        ConnectionLife life = new ConnectionLife();
        SimHarness.Result gone = read(0, 4096, null, life);
        sim.loops.runUntilIdle();
        life.advance(State.CLOSED);
        slow.letGo(sim);
        assertEquals(Errno.ESHUTDOWN, gone.errno);
        assertEquals(1, asked.size());
        assertEquals(0, sim.inUse());
    }

    @Test
    void nothingIsReadForAClientThatIsGone() {
        slow.hold(request -> true);
        ConnectionLife life = new ConnectionLife();
        SimHarness.Result read = read(0, SIZE, null, life);
        sim.loops.runUntilIdle();
        life.advance(State.CLOSED);
        assertFalse(read.isDone(), "the disk still has a piece of it");
        slow.letGo(sim);
        assertTrue(read.isDone());
        assertEquals(1, asked.size());
    }

    @Test
    void anErrorEndsIt() {
        slow.hold(request -> true);
        SimHarness.Result read = read(0, SIZE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        slow.failFirst(sim, Errno.EIO);
        assertEquals(Errno.EIO, read.errno);
        assertEquals(1, asked.size());
    }

    /** Holes are left out, and small runs of data make a piece together. */
    @Test
    void runsOfDataGoTogether() {
        ReadLayout layout = new ReadLayout();
        layout.begin(0);
        for (int i = 0; i < 32; i++) {
            layout.add((2L * i + 1) * 65536, i == 0);
            layout.add((2L * i + 2) * 65536, i > 0);
        }
        layout.finish();
        slow.hold(request -> true);
        SimHarness.Result read = read(0, 64 * 65536, layout, new ConnectionLife());
        sim.loops.runUntilIdle();
        assertTrue(slow.heldCount() > 8 && slow.heldCount() <= 17, () -> slow.heldCount() + " parts");
        slow.letGo(sim);
        assertEquals(Errno.OK, read.errno);
        assertEquals(0, sim.inUse());
        for (long offset : asked) {
            int at = (int) (offset / 65536);
            assertTrue(at == 1 || at % 2 == 0, () -> "a hole was read at " + offset);
        }
    }

    /** Somebody else has a command under way: turns are short, the next waits, and no slow disk makes it more. */
    @Test
    void besideOthersTurnsAreShortAndWait() {
        commands.change(1);
        slow.hold(request -> true);
        read(0, SIZE, null, new ConnectionLife());
        read(0, SIZE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        sim.loops.advance(3_000_000);
        assertEquals(1, slow.heldCount(), "though the disk is slow");
        slow.letGoFirst(sim);
        assertEquals(0, slow.heldCount(), "others' time");
        sim.loops.advance(5_900_000);
        assertEquals(0, slow.heldCount(), "twice as long as it took");
        sim.loops.advance(200_000);
        assertEquals(1, slow.heldCount());
        assertEquals(List.of(0L, 0L), asked);
        slow.letGo(sim);
        sim.loops.runUntilIdle();
        sim.loops.advance(100_000_000);
        assertTrue(asked.contains((long) ReadTurns.SHORT_TURN_BYTES), "a quarter of a MiB each");
        slow.letGo(sim);
    }

    /** What is slow anyway does not wait much longer for it. */
    @Test
    void noPauseIsLong() {
        commands.change(1);
        slow.hold(request -> true);
        read(0, SIZE, null, new ConnectionLife());
        read(0, SIZE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        sim.loops.advance(9_000_000);
        slow.letGoFirst(sim);
        assertEquals(0, slow.heldCount());
        sim.loops.advance(ReadTurns.LONGEST_PAUSE_NANOS + 1);
        assertEquals(1, slow.heldCount());
        slow.letGo(sim);
    }

    /** What others did between two looks counts as well. */
    @Test
    void othersNeedNotBeThereAllTheTime() {
        slow.hold(request -> true);
        read(0, SIZE, null, new ConnectionLife());
        read(0, SIZE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        commands.change(1);
        commands.change(-1);
        sim.loops.advance(500_000);
        slow.letGoFirst(sim);
        assertEquals(0, slow.heldCount());
        slow.letGo(sim);
    }

    @Test
    void shortOnesOfATurnGoTogether() {
        slow.hold(request -> true);
        read(0, PIECE, null, new ConnectionLife());
        for (int i = 0; i < 40; i++) {
            read(4096L * i, 4096, null, new ConnectionLife());
        }
        sim.loops.runUntilIdle();
        slow.letGoFirst(sim);
        assertEquals(ReadTurns.TURN_READS, slow.heldCount());
        slow.letGo(sim);
        assertEquals(41, asked.size());
    }

    /** The one READ of a connection does not wait for the hundreds of another. */
    @Test
    void whoHasOneGoesBeforeWhoHasMany() {
        slow.hold(request -> true);
        LineQueue.Line greedy = new LineQueue.Line();
        for (int i = 0; i < 4; i++) {
            read(0, PIECE, null, new ConnectionLife(), greedy);
        }
        sim.loops.runUntilIdle();
        read(PIECE, PIECE, null, new ConnectionLife());
        read(2L * PIECE, PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        while (slow.heldCount() > 0) {
            slow.letGoFirst(sim);
        }
        assertEquals(List.of(0L, (long) PIECE, 0L, 2L * PIECE, 0L, 0L), asked, "turn and turn about");
    }

    @Test
    void noMoreThanSomeMegabytesAreUnderWay() {
        slow.hold(request -> true);
        for (int i = 0; i < 20; i++) {
            read(0, 2 * PIECE, null, new ConnectionLife());
        }
        sim.loops.runUntilIdle();
        sim.loops.advance(12_000_000);
        assertEquals(ReadTurns.UNDER_WAY_BYTES / PIECE, slow.heldCount());
        slow.letGo(sim);
        sim.loops.runUntilIdle();
    }

    /** Clients that take what they ask for have the speed of their disk, whoever else is there. */
    @Test
    void turnsThatGiveNoWayAreLongBesideOthersToo() {
        ReadTurns firm = new ReadTurns(sim.loops.loop(0), commands, false);
        commands.change(1);
        slow.hold(request -> true);
        for (int i = 0; i < 4; i++) {
            read(firm, 0, 2 * PIECE, null, new ConnectionLife(), new LineQueue.Line());
        }
        sim.loops.runUntilIdle();
        sim.loops.advance(1_500_000);
        assertEquals(2, slow.heldCount());
        slow.letGoFirst(sim);
        slow.letGoFirst(sim);
        assertEquals(1, slow.heldCount(), "no pause");
        assertEquals(0, asked.get(2) % PIECE);
        slow.letGo(sim);
        sim.loops.runUntilIdle();
    }

    /** A disk that needs 100 ms for each turn is not given another one every 10 ms. */
    @Test
    void patienceGrowsWithADiskThatIsSlow() {
        commands.change(1);
        slow.hold(request -> true);
        for (int i = 0; i < 20; i++) {
            read(0, PIECE, null, new ConnectionLife());
        }
        sim.loops.runUntilIdle();
        sim.loops.advance(100_000_000);
        assertTrue(slow.heldCount() <= 4, () -> slow.heldCount() + " turns");
        slow.letGo(sim);
        sim.loops.runUntilIdle();
        sim.loops.advance(10_000_000_000L);
        assertEquals(20, asked.stream().filter(offset -> offset == 0).count());
        assertEquals(0, sim.inUse());
    }

    /** What cannot even be begun ends with EIO, and those behind it have their turn. */
    @Test
    void whatThrowsWhenItBeginsIsAnsweredAndLosesNobody() {
        sim.loops.expectFaults();
        SimHarness.Result broken = sim.start(
                0,
                new ForwardingDevice(disk) {
                    @Override
                    public void submit(BlockRequest request) {
                        commands.change(1);
                        LineQueue.Line line = new LineQueue.Line();
                        new SteppedRead(request, null, null, turns, line, new ConnectionLife()).start();
                        commands.change(-1);
                    }
                },
                BlockOperation.READ,
                0,
                2 * PIECE,
                0,
                null);
        SimHarness.Result next = read(0, 2 * PIECE, null, new ConnectionLife());
        sim.loops.runUntilIdle();
        sim.loops.advance(100_000_000);
        assertEquals(Errno.EIO, broken.errno);
        assertEquals(Errno.OK, next.errno);
        assertEquals(0, sim.inUse());
    }
}
