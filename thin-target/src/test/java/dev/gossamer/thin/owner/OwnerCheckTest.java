package dev.gossamer.thin.owner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import dev.gossamer.thin.metadata.SurveyFindings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who asks after a reconnect whether the pool is still ours gets a verdict, whatever goes wrong with it (OP-10). */
class OwnerCheckTest {
    /** A connection over which nothing can be read, and whose name cannot be told. */
    private static final class Nameless extends ForwardingDevice {
        Nameless(BlockDevice below) {
            super(below);
        }

        @Override
        public void submit(BlockRequest request) {
            request.complete(Errno.EIO);
        }

        @Override
        public String toString() {
            throw new OutOfMemoryError("for a name");
        }
    }

    private final SimLoops loops = new SimLoops(1, 1, 1 << 16);
    private final ThrowingLoop loop = new ThrowingLoop(loops.loop(0));
    private final SimulatedDisk disk = new SimulatedDisk(1 << 20);
    private final PoolOwnership ownership = new PoolOwnership(loop, new StillHost(), Seeds.splittable(1));
    private final List<String> verdicts = new ArrayList<>();

    @BeforeEach
    void claim() {
        OwnerPlace place =
                new OwnerPlace(new byte[SuperblockImages.BYTES], OwnerPlace.NONE, false, false, SurveyFindings.NONE);
        CompletableFuture<Void> claimed = ownership.claim(place, disk, disk, false);
        loops.runUntilIdle();
        assertTrue(claimed.isDone());
    }

    @AfterEach
    void nothingIsLost() {
        CompletableFuture<Void> released = ownership.release();
        loops.runUntilIdle();
        assertTrue(released.isDone());
        loops.enter(0, () -> assertEquals(0, loops.loop(0).requests().inUse()));
        loops.close();
    }

    private void check(BlockDevice through) {
        loops.enter(0, () -> ownership.gate(PoolOwnership.Role.METADATA).check(through, new ChangeGate.Verdict() {
            @Override
            public void pass() {
                verdicts.add("pass");
            }

            @Override
            public void later(String why) {
                verdicts.add("later");
            }

            @Override
            public void refuse(String why) {
                verdicts.add("refuse");
            }
        }));
        loops.runUntilIdle();
    }

    @Test
    void anAnswerThatCannotBeToldIsOneAllTheSame() {
        check(new Nameless(disk));
        check(disk);
        assertEquals(List.of("later", "pass"), verdicts);
    }

    @Test
    void whereverTheLoopThrows() {
        loops.expectFaults();
        int places = 0;
        do {
            loop.throwAt(++places, new OutOfMemoryError("a test"));
            check(disk);
            loop.throwAt(Long.MAX_VALUE, null);
            assertEquals(2 * places - 1, verdicts.size(), () -> "no verdict: " + verdicts);
            check(disk);
            assertEquals("pass", verdicts.getLast());
        } while (!verdicts.get(2 * places - 2).equals("pass"));
        assertTrue(places > 1, "it has not thrown");
    }
}
