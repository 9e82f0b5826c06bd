package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A record that failed and was written all the same: what was refused does not happen at the next start. */
@Timeout(60)
class CowDoubtTest {
    private CowStory story;
    private Modelled snapshot;

    @BeforeEach
    void refuseAMerge() throws StorageException {
        story = new CowStory(Seeds.splittable(5));
        story.world.add("sdb", 2 * CowWorld.SIZE);
        snapshot = new Modelled("s", "sdb", StoreType.PERSISTENT, story.origin.snapshot());
        assertTrue(story.create(snapshot, 4096, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
        story.startWrites(8);
        story.endWrites(true);
        story.world.failRecords(true, true);
        assertFalse(story.merge(snapshot));
        assertEquals(State.MERGING, recorded(), "it is recorded, and nobody knows");
        story.verify(false);
    }

    private State recorded() {
        return story.world
                .recorded()
                .origin(CowStory.ORIGIN)
                .snapshot(snapshot.name)
                .state();
    }

    @Test
    void theRecordIsMendedAsSoonAsItCanBeWritten() throws StorageException {
        story.world.failRecords(false, false);
        story.life.pass();
        assertEquals(State.ACTIVE, recorded());
        story.end(End.KILL);
        assertTrue(story.start());
        story.verify(false);
    }

    /** A daemon that dies right after it has refused does not carry it out. */
    @Test
    void theRecordIsMendedBeforeTheRefusalIsAnswered() throws StorageException {
        story.world.failRecords(false, false);
        story.life.pass();
        story.world.failRecords(false, true);
        assertFalse(story.merge(snapshot));
        assertEquals(State.ACTIVE, recorded());
        story.end(End.KILL);
        assertTrue(story.start());
        story.verify(false);
    }

    @Test
    void aStopMendsIt() throws StorageException {
        story.world.failRecords(false, false);
        story.stop();
        assertEquals(State.ACTIVE, recorded());
        assertTrue(story.start());
        story.verify(false);
    }

    /** Its store says that it is lost, and the record says that it is being merged: it never was. */
    @Test
    void aRefusedMergeOfALostSnapshotDoesNotTakeTheOriginAway() throws StorageException {
        snapshot.mayBeLost = true;
        story.world.failNextWrite("sdb");
        while (!story.life
                .service
                .facts(CowStory.ORIGIN)
                .snapshot(snapshot.export())
                .status()
                .cause()
                .contains("EIO")) {
            story.startWrites(8);
            story.endWrites(false);
        }
        story.end(End.KILL);
        story.world.failRecords(false, false);
        assertTrue(story.start());
        story.verify(false);
        assertTrue(snapshot.isLost);
        assertEquals(State.LOST, recorded(), "its store may be away the next time");
        story.world.vanish("sdb");
        story.stop();
        assertTrue(story.start());
        story.verify(false);
    }
}
