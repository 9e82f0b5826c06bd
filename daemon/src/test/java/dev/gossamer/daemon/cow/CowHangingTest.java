package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cow.CowStory.Modelled;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.snapshot.StoreFullAction;
import dev.gossamer.snapshot.StoreType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A device that hangs while it is opened keeps back whoever has named it, and nobody else. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // Who waits for a lock is not interrupted.
class CowHangingTest {
    private static final int CHUNK = 4096;

    private final CountDownLatch hanging = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private CowStory story;
    private Modelled snapshot;

    @BeforeEach
    void makeSnapshot() throws StorageException {
        story = new CowStory(Seeds.splittable(41));
        story.world.add("sdb", 2 * CowWorld.SIZE);
        snapshot = new Modelled("s", "sdb", StoreType.PERSISTENT, story.origin.snapshot());
        assertTrue(story.create(snapshot, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
    }

    @AfterEach
    void endAll() throws InterruptedException {
        goOn.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** In a system call that ends at last, without a device. */
    private CompletableFuture<StorageException> createHanging(String name, String origin, String store)
            throws InterruptedException {
        NamedDevices as = (location, options) -> {
            hanging.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            throw new StorageException(Errno.ENODEV, location + " has not answered");
        };
        CompletableFuture<StorageException> refused = new CompletableFuture<>();
        CowRequest request =
                new CowRequest(name, origin, store, CHUNK, StoreType.PERSISTENT, StoreFullAction.INVALIDATE_SNAPSHOT);
        CowService service = story.life.service;
        threads.add(Thread.ofPlatform()
                .daemon()
                .start(() ->
                        refused.complete(assertThrows(StorageException.class, () -> service.create(request, as)))));
        assertTrue(hanging.await(30, TimeUnit.SECONDS));
        return refused;
    }

    private void assertNobodyElseWaits(CompletableFuture<StorageException> refused) throws Exception {
        assertEquals(1, story.life.service.all().size());
        story.startWrites(6);
        story.endWrites(true);
        story.verify(false);
        Modelled other = new Modelled("other", null, StoreType.PERSISTENT, story.origin.snapshot());
        assertTrue(story.create(other, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
        assertTrue(story.merge(snapshot), () -> story.refusal);
        story.life.endMerges();
        story.verify(false);
        assertTrue(story.delete(other));
        assertFalse(refused.isDone());
        goOn.countDown();
        assertTrue(refused.get(30, TimeUnit.SECONDS).getMessage().contains("has not answered"));
        story.verify(false);
        story.assertNothingLeft();
        story.stop();
        assertTrue(story.start());
        story.verify(false);
    }

    @Test
    void anOrigin() throws Exception {
        assertNobodyElseWaits(createHanging("new", "sdz", null));
        assertNull(story.world.recorded().origin("new"));
    }

    /** Of the same origin that others go on with. */
    @Test
    void aStore() throws Exception {
        assertNobodyElseWaits(createHanging("disk@new", null, "sdz"));
        assertNull(story.world.recorded().origin(CowStory.ORIGIN).snapshot("new"));
    }

    /** The daemon stops meanwhile. */
    @Test
    void aStopDoesNotWait() throws Exception {
        CompletableFuture<StorageException> refused = createHanging("new", "sdz", null);
        story.stop();
        assertFalse(refused.isDone());
    }

    /** Its name was free when the device began to be opened, and is somebody's by now. */
    @Test
    void whatHasComeInBetweenIsLookedAtOnceMore() throws Exception {
        story.world.add("sdc", 2 * CowWorld.SIZE);
        NamedDevices as = (location, options) -> {
            Modelled first = new Modelled("new", null, StoreType.PERSISTENT, story.origin.snapshot());
            assertTrue(story.create(first, CHUNK, StoreFullAction.INVALIDATE_SNAPSHOT), () -> story.refusal);
            return story.world.open(location, options);
        };
        CowRequest second = new CowRequest(
                "disk@new", null, "sdc", CHUNK, StoreType.PERSISTENT, StoreFullAction.INVALIDATE_SNAPSHOT);
        StorageException refused = assertThrows(StorageException.class, () -> story.life.service.create(second, as));
        assertTrue(refused.getMessage().contains("disk@new already"), refused.getMessage());
        story.verify(false);
        NamedDevices deletes = (location, options) -> {
            story.delete(story.snapshots.get("new"));
            story.delete(snapshot);
            story.life.service.delete(CowStory.ORIGIN, false);
            return story.world.open(location, options);
        };
        CowRequest late = new CowRequest(
                "disk@late", null, "sdc", CHUNK, StoreType.PERSISTENT, StoreFullAction.INVALIDATE_SNAPSHOT);
        refused = assertThrows(StorageException.class, () -> story.life.service.create(late, deletes));
        assertTrue(refused.getMessage().contains("has been deleted meanwhile"), refused.getMessage());
        assertNull(story.world.recorded().origin(CowStory.ORIGIN));
    }
}
