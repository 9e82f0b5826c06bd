package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.SnapshotState;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import dev.gossamer.thin.PoolMode;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores lie in a pool that fails while its snapshots are used (rule S-V7): the policy decides what is lost. */
@Timeout(60)
class CowPoolFailsTest {
    private static final int CHUNK = 4096;

    private CowStory story;
    private Modelled snapshot;

    private void begin(StoreFullAction action, int seed) throws StorageException {
        story = new CowStory(Seeds.splittable(seed));
        snapshot = new Modelled("s", null, StoreType.PERSISTENT, story.origin.snapshot());
        snapshot.mayBeLost = action == StoreFullAction.INVALIDATE_SNAPSHOT;
        assertTrue(story.create(snapshot, CHUNK, action), () -> story.refusal);
    }

    private void write() {
        story.startWrites(16);
        story.endWrites(true);
    }

    /** Its metadata device fails at the nth write from now on: copies, commits and FLUSHes meet that. */
    private void failPool(int nth) {
        story.world.metadataFaults.failDuring(BlockOperation.WRITE, nth, Integer.MAX_VALUE, Errno.EIO);
        for (int i = 0; i < 4 && story.life.pool.mode() == PoolMode.WRITE; i++) {
            write();
        }
        assertTrue(story.life.pool.mode().isFinal(), () -> "" + story.life.pool.mode());
    }

    private SnapshotState state() throws StorageException {
        return story.life
                .service
                .facts(CowStory.ORIGIN)
                .snapshot(snapshot.export())
                .status()
                .state();
    }

    @ParameterizedTest
    @CsvSource({"1, KILL", "2, KILL", "3, KILL", "4, KILL", "1, POWER_CUT", "2, POWER_CUT", "3, POWER_CUT"})
    void withFailWritesNothingIsLost(int nth, End end) throws StorageException {
        begin(StoreFullAction.FAIL_WRITES, 50 + nth);
        failPool(nth);
        write();
        write();
        assertEquals(SnapshotState.ACTIVE, state());
        story.end(end);
        story.world.metadataFaults.heal();
        assertTrue(story.start());
        story.verify(false);
        assertEquals(SnapshotState.ACTIVE, state());
        write();
        story.verify(false);
    }

    /** The origin goes on without it, and that is known for ever. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void elseItMayBeLostAndIsRecorded(int nth) throws StorageException {
        begin(StoreFullAction.INVALIDATE_SNAPSHOT, 60 + nth);
        failPool(nth);
        for (int i = 0; i < 4 && state() == SnapshotState.ACTIVE; i++) {
            write();
        }
        story.verify(false);
        assertTrue(snapshot.isLost);
        story.end(End.KILL);
        story.world.metadataFaults.heal();
        assertTrue(story.start());
        story.verify(false);
    }
}
