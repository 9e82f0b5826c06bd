package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What comes late, twice, or again does not touch what has come in between. */
@Timeout(60)
class CowLateTest {
    private static final int CHUNK = 4096;

    private CowStory story;

    @BeforeEach
    void begin() throws StorageException {
        story = new CowStory(Seeds.splittable(21));
        story.world.add("sdb", 2 * CowWorld.SIZE);
    }

    private Modelled create(String store) {
        Modelled made = new Modelled("s", store, StoreType.PERSISTENT, story.origin.snapshot());
        assertTrue(story.create(made, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
        story.startWrites(6);
        story.endWrites(true);
        return made;
    }

    private RecordedSnapshot recorded() {
        return story.world.recorded().origin(CowStory.ORIGIN).snapshot("s");
    }

    /** A merge was asked for twice, so its end is told twice; the second comes behind a new snapshot of that name. */
    @Test
    void theEndOfAMergeThatIsToldTwiceDoesNotDeleteTheNextSnapshot() throws StorageException {
        Modelled first = create("sdb");
        assertTrue(story.merge(first));
        story.life.service.merge(first.export());
        story.life.endOneMerge();
        assertNull(recorded());
        story.verifyMerged(first);
        create(null);
        story.life.endOneMerge();
        assertNotNull(recorded(), "it was never asked to be deleted");
        assertEquals(State.ACTIVE, recorded().state());
        story.verify(false);
    }

    /** A client has it open: what is refused is never recorded, for a record is carried out by the next start. */
    @Test
    void aRefusedMergeOrDeletionIsNotRecorded() throws StorageException {
        Modelled snapshot = create("sdb");
        assertNotNull(story.open(snapshot.export()));
        story.world.failRecordsAfter(1);
        assertFalse(story.merge(snapshot), "a client has it open");
        assertTrue(story.refusal.contains("is in use"), story.refusal);
        assertEquals(State.ACTIVE, recorded().state());
        assertFalse(story.delete(snapshot));
        assertEquals(State.ACTIVE, recorded().state());
        story.closeAll();
        assertNotNull(story.open(CowStory.ORIGIN));
        assertFalse(story.merge(snapshot), "a client has its origin open");
        assertTrue(story.refusal.contains("would change under its users"), story.refusal);
        assertEquals(State.ACTIVE, recorded().state());
        story.closeAll();
        story.world.failRecords(false, false);
        assertTrue(story.merge(snapshot), () -> story.refusal);
        story.life.endMerges();
        story.verify(false);
    }

    /** And who is refused because it cannot be recorded keeps nobody from opening it. */
    @Test
    void whatCannotBeRecordedChangesNothing() throws StorageException {
        Modelled snapshot = create("sdb");
        story.world.failRecords(true, false);
        assertFalse(story.merge(snapshot));
        assertFalse(story.delete(snapshot));
        story.world.failRecords(false, false);
        snapshot.asked = CowStory.Asked.NOTHING;
        story.verify(false);
        story.startWrites(6);
        story.endWrites(true);
        story.verify(false);
    }

    /**
     * The set refuses what is recorded already, and then the record cannot be written: it stays recorded as being
     * merged. The end of another's merge is not its end.
     */
    @Test
    void aMergeThatWasRefusedAndStaysRecordedIsNotTakenForDone() throws StorageException {
        Modelled first = create("sdb");
        assertTrue(story.merge(first));
        story.life.endMerges();
        story.verifyMerged(first);
        Modelled second = new Modelled("s", null, StoreType.TRANSIENT, story.origin.snapshot());
        assertTrue(story.create(second, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
        story.world.failRecordsAfter(1);
        assertFalse(story.merge(second), "it cannot be merged");
        story.world.failRecords(false, false);
        assertEquals(State.MERGING, recorded().state());
        assertFalse(story.merge(second), "it is taken for the one that was merged");
        assertTrue(story.refusal.contains("only persistent snapshots can be merged"), story.refusal);
        story.life.endMerges();
        assertEquals(State.ACTIVE, recorded().state());
        second.asked = CowStory.Asked.NOTHING;
        story.verify(false);
    }

    /** The store could not be wiped; it says: delete it once more. */
    @Test
    void whatCouldNotBeDeletedIsDeletedTheNextTime() throws StorageException {
        Modelled snapshot = create("sdb");
        story.world.failNextWrite("sdb");
        assertFalse(story.delete(snapshot));
        assertEquals(State.DELETING, recorded().state());
        assertTrue(story.delete(snapshot), "the second time");
        assertNull(recorded());
        story.verify(false);
        create("sdb");
        story.verify(false);
    }

    /** A loss that is told after its snapshot and its origin are gone, and another origin has its name. */
    @Test
    void whatIsToldOfAnOriginThatIsGoneIsNotRecorded() throws StorageException {
        CowRecord record = story.world.record();
        CowConfig.Origin config = new CowConfig.Origin("late", "sdx", "", List.of());
        OriginExport gone = new OriginExport(config, null, null);
        record.add(config);
        record.remove("late");
        record.change(gone, present -> present);
        assertNull(record.config().origin("late"));
        CowConfig.Origin next = new CowConfig.Origin("late", "sdy", "", List.of());
        record.add(next);
        record.change(gone, present -> present.withIdentity("other"));
        assertEquals(next, record.config().origin("late"));
    }

    /** Its store fails, and then the record, so that the snapshot stays recorded and keeps the new origin. */
    @Test
    void theFirstReasonIsToldWhenUndoingFailsToo() throws StorageException {
        story.world.add("sdz", CowWorld.SIZE);
        story.world.failNextWrite("sdb");
        NamedDevices as = (name, options) -> {
            BlockDevice device = story.world.open(name, options);
            return name.equals("sdb") ? new FailsTheRecord(device) : device;
        };
        CowRequest request = new CowRequest(
                "other@s", "sdz", "sdb", CHUNK, StoreType.PERSISTENT, StoreFullAction.INVALIDATE_SNAPSHOT);
        StorageException refused = assertThrows(StorageException.class, () -> story.life.service.create(request, as));
        assertTrue(refused.getMessage().contains("writing the store's header failed"), refused.getMessage());
        story.world.failRecords(false, false);
        story.stop();
        assertTrue(story.start());
        assertEquals(List.of(), story.world.recorded().origin("other").snapshots());
    }

    private final class FailsTheRecord extends ForwardingDevice {
        FailsTheRecord(BlockDevice below) {
            super(below);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.operation() == BlockOperation.WRITE) {
                story.world.failRecords(true, false);
            }
            super.submit(request);
        }
    }
}
