package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Asked;
import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.daemon.cow.RecordedSnapshot.State;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import dev.gossamer.thin.PoolMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The stores lie in a pool that takes no changes, because its metadata want checking: nothing is lost by that. */
@Timeout(60)
class CowFrozenPoolTest {
    private static final int SUPERBLOCK_BYTES = 4096;
    private static final int FLAGS_AT = 4;
    private static final int NEEDS_CHECK = 1;
    private static final int CHECKSUM_SALT = 160774;
    private static final int CHUNK = 4096;

    private CowStory story;
    private Modelled inPool;

    @BeforeEach
    void makeSnapshots() throws StorageException {
        story = new CowStory(Seeds.splittable(11));
        story.world.add("sdb", 2 * CowWorld.SIZE);
        inPool = create("s", null, StoreType.PERSISTENT);
        create("t", "sdb", StoreType.PERSISTENT);
    }

    private Modelled create(String name, String store, StoreType type) {
        Modelled made = new Modelled(name, store, type, story.origin.snapshot());
        assertTrue(story.create(made, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
        write();
        return made;
    }

    private void write() {
        story.startWrites(6);
        story.endWrites(true);
    }

    /** As the tools see it: the pool is not open. */
    private void needsCheck(boolean set) {
        ByteBuffer block = ByteBuffer.wrap(story.world.metadata.readNow(0, SUPERBLOCK_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        block.putInt(FLAGS_AT, set ? NEEDS_CHECK : 0);
        CRC32C crc = new CRC32C();
        crc.update(block.array(), FLAGS_AT, SUPERBLOCK_BYTES - FLAGS_AT);
        block.putInt(0, ~(int) crc.getValue() ^ CHECKSUM_SALT);
        story.world.metadata.writeNow(0, block.array());
    }

    private void restart(boolean frozen) throws StorageException {
        story.stop();
        needsCheck(frozen);
        assertTrue(story.start(), "the daemon starts");
        story.life.endMerges();
        assertEquals(frozen ? PoolMode.READ_ONLY : PoolMode.WRITE, story.life.pool.mode());
    }

    private String failure() throws StorageException {
        return story.life.service.facts(CowStory.ORIGIN).failure();
    }

    @Test
    void theOriginWaitsForItsPoolAndNoSnapshotIsLost() throws StorageException {
        restart(true);
        assertTrue(failure().contains("its store lies in the pool, which takes no changes"), failure());
        assertTrue(failure().contains("'gossamer status'"), failure());
        story.verify(true);
        assertNull(story.life.open("cow.disk@s"), "nor is the store shown to clients");
        restart(false);
        story.verify(false);
        write();
        story.verify(false);
    }

    @Test
    void aMergeGoesOnWhenThePoolIsWellAgain() throws StorageException {
        story.merge(inPool);
        story.end(End.KILL);
        needsCheck(true);
        assertTrue(story.start());
        story.verify(true);
        restart(false);
        story.verify(false);
    }

    /** Half made, half gone, and what ended with its process: their volumes stay, out of use, until they can go. */
    @Test
    void whatCannotGoStaysOutOfUse() throws StorageException {
        Modelled transientOne = create("u", null, StoreType.TRANSIENT);
        story.delete(inPool);
        restart(true);
        transientOne.asked = Asked.DELETE;
        story.snapshots.put("u", transientOne);
        assertEquals("", failure(), "no store that is needed lies in the pool");
        assertEquals(State.DELETING, recorded("u"));
        assertTrue(story.life.service.exports().hidesVolume("cow.disk@u"));
        write();
        story.verify(false);
        restart(false);
        story.verify(false);
        story.assertNothingLeft();
    }

    /** Whoever needs the origin more than the snapshot has a way out. */
    @Test
    void aSnapshotInAFrozenPoolCanBeGivenUpAndTheOriginIsServed() throws StorageException {
        restart(true);
        StorageException left =
                assertThrows(StorageException.class, () -> story.life.service.delete(inPool.export(), false));
        assertFalse(left.getMessage().isEmpty());
        assertEquals(State.DELETING, recorded("s"));
        story.snapshots.remove("s");
        assertEquals("", failure(), "it was in the way");
        write();
        restart(false);
        story.verify(false);
        story.assertNothingLeft();
    }

    @Test
    void nothingIsMadeInAFrozenPool() throws StorageException {
        story.delete(inPool);
        restart(true);
        Modelled made = new Modelled("v", null, StoreType.PERSISTENT, story.origin.snapshot());
        assertFalse(story.create(made, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT));
        story.snapshots.remove("v");
        assertNull(story.world.recorded().origin(CowStory.ORIGIN).snapshot("v"), "nothing is left of it");
        story.verify(false);
    }

    private State recorded(String snapshot) {
        return story.world.recorded().origin(CowStory.ORIGIN).snapshot(snapshot).state();
    }
}
