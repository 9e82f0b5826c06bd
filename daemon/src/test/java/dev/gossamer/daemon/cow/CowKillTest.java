package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.cow.CowWorld.End;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A daemon is killed, or the power fails, after every step of create, delete and merge, and again after steps of the
 * start that completes them: of disks and of {@code cow.yaml}. Whatever was asked for has happened or has not, nothing
 * of it is left, and names are free again. Every step of the start, and not each seventh: {@code -Dcow.kills=1}.
 */
@Timeout(300)
class CowKillTest {
    private static final int EACH = Integer.getInteger("cow.kills", 7);
    private static final int CHUNK = 4096;

    enum Change {
        CREATE,
        DELETE,
        MERGE
    }

    @ParameterizedTest
    @CsvSource({
        "CREATE, pool, KILL", "CREATE, sdb, KILL", "CREATE, pool, POWER_CUT", "CREATE, sdb, POWER_CUT",
        "DELETE, pool, KILL", "DELETE, sdb, KILL", "DELETE, pool, POWER_CUT", "DELETE, sdb, POWER_CUT",
        "MERGE, pool, KILL", "MERGE, sdb, KILL", "MERGE, pool, POWER_CUT", "MERGE, sdb, POWER_CUT"
    })
    void everyStep(Change change, String store, End end) throws StorageException {
        int cuts = 0;
        for (long cut = 0; ; cut++) {
            boolean wasCut = false;
            boolean startWasCut = true;
            for (long again = 0; startWasCut; again += EACH) {
                String where = change + " " + store + " " + end + " after " + cut + ", and " + again + " of the start";
                CowStory story = begin(where, store, change);
                story.world.power.cutAfter(cut);
                make(story, change, store);
                wasCut = !story.world.power.isOn();
                story.end(end);
                story.world.power.cutAfter(again);
                if (story.start()) {
                    story.life.endMerges();
                }
                startWasCut = !story.world.power.isOn();
                story.end(end);
                endWell(story, store);
                cuts++;
            }
            if (!wasCut) {
                break;
            }
        }
        assertTrue(cuts > 8, cuts + " cuts");
    }

    private static CowStory begin(String where, String store, Change change) throws StorageException {
        CowStory story = new CowStory(Seeds.splittable(31));
        story.where = where;
        story.world.add("sdb", 2 * CowWorld.SIZE);
        write(story);
        story.create(snapshot(story, "other", "pool"), CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT);
        write(story);
        if (change != Change.CREATE) {
            story.create(snapshot(story, "s", store), CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT);
            write(story);
        }
        return story;
    }

    private static Modelled snapshot(CowStory story, String name, String store) {
        return new Modelled(name, store.equals("pool") ? null : store, StoreType.PERSISTENT, story.origin.snapshot());
    }

    private static void write(CowStory story) {
        story.startWrites(6);
        story.endWrites(true);
    }

    private static void make(CowStory story, Change change, String store) {
        switch (change) {
            case CREATE -> story.create(snapshot(story, "s", store), CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT);
            case DELETE -> story.delete(story.snapshots.get("s"));
            case MERGE -> {
                if (story.merge(story.snapshots.get("s"))) {
                    story.life.endMerges();
                }
            }
        }
    }

    private static void endWell(CowStory story, String store) throws StorageException {
        assertTrue(story.start(), story.where);
        story.verify(false);
        story.verify(false);
        story.assertNothingLeft();
        if (!story.snapshots.containsKey("s")) {
            assertTrue(
                    story.create(snapshot(story, "s", store), CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT),
                    () -> story.where + ": its name or its store is not free");
        }
        write(story);
        story.verify(false);
        story.stop();
        assertTrue(story.start(), story.where);
        story.verify(false);
        story.stop();
    }
}
