package dev.gossamer.thin.extent;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gossamer.io.sim.Seeds;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Eight readers look blocks up while the one writer maps, merges, splits and unmaps (T-EM1). What a reader finds must
 * be the state of the block at some moment between before and after it looked.
 */
class ExtentMapStressTest {
    private static final int READERS = 8;
    private static final int CHANGES = 60_000;

    /** The data block tells which version mapped it and for which virtual block. */
    private static final long PER_VERSION = 1024;

    private final ExtentMap map = new ExtentMap(Region.BLOCKS);
    // Per block: twice the version of its last change, plus 1 if that mapped it; before the change is published, and
    // after.
    private final AtomicLongArray begun = new AtomicLongArray(Region.BLOCKS);
    private final AtomicLongArray done = new AtomicLongArray(Region.BLOCKS);
    private final AtomicReference<String> wrong = new AtomicReference<>();
    private volatile boolean stopped;

    /** Puts a changed region in place of the published one. */
    private interface Publication {
        void publish(long[] region);
    }

    @Test
    void noReaderEverSeesAnythingButOneMomentOfTheMap() throws InterruptedException {
        stress(region -> map.publish(0, region));
        assertNull(wrong.get(), "EM-1, EM-4");
    }

    /**
     * T-EM4: the stress finds it out if a published array is changed, as the kernel's merge once changed its records.
     */
    @Test
    void theStressCatchesAMapThatChangesWhatItHasPublished() throws InterruptedException {
        long[] shared = new long[2 * 2 * Region.BLOCKS];
        stress(region -> {
            System.arraycopy(region, 0, shared, 0, region.length);
            Thread.onSpinWait();
            java.util.Arrays.fill(shared, region.length, shared.length, 0);
            map.publish(0, shared);
        });
        assertFalse(wrong.get() == null, "T-EM4: the stress is blind");
    }

    private void stress(Publication publication) throws InterruptedException {
        map.publish(0, Region.EMPTY);
        Thread[] readers = new Thread[READERS];
        for (int i = 0; i < READERS; i++) {
            long seed = i;
            readers[i] = new Thread(() -> read(Seeds.splittable(seed)), "reader-" + i);
            readers[i].start();
        }
        try {
            write(publication, Seeds.splittable(99));
        } finally {
            stopped = true;
            for (Thread reader : readers) {
                reader.join();
            }
        }
    }

    private void write(Publication publication, SplittableRandom random) {
        long[] region = Region.EMPTY;
        for (long version = 1; version <= CHANGES && wrong.get() == null; version++) {
            int start = random.nextInt(Region.BLOCKS);
            int length = 1 + random.nextInt(Math.min(Region.BLOCKS - start, 40));
            boolean mapping = random.nextInt(3) > 0;
            long state = 2 * version + (mapping ? 1 : 0);
            for (int block = start; block < start + length; block++) {
                begun.set(block, state);
            }
            region = mapping
                    ? Region.with(region, start, length, Region.MAPPED, 0, version * PER_VERSION + start)
                    : Region.without(region, start, length);
            publication.publish(region);
            for (int block = start; block < start + length; block++) {
                done.set(block, state);
            }
        }
    }

    private void read(SplittableRandom random) {
        while (!stopped) {
            int block = random.nextInt(Region.BLOCKS);
            long before = done.get(block);
            long[] region = map.region(0);
            int index = Region.find(region, block);
            long found = index < 0 ? -1 : Region.dataBlock(region, index, block);
            boolean contains = index < 0 || (Region.start(region, index) <= block && block < Region.end(region, index));
            long after = begun.get(block);
            if (!contains) {
                wrong.compareAndSet(null, "the extent found for block " + block + " does not contain it");
            } else if (found >= 0 && found % PER_VERSION != block) {
                wrong.compareAndSet(null, "block " + block + " has the mapping of block " + found % PER_VERSION);
            } else if (found >= 0
                    && (2 * (found / PER_VERSION) + 1 < before || 2 * (found / PER_VERSION) + 1 > after)) {
                wrong.compareAndSet(null, "block " + block + " is of version " + found / PER_VERSION);
            } else if (found < 0 && before == after && (before & 1) != 0) {
                wrong.compareAndSet(null, "block " + block + " is mapped and was not found");
            }
        }
    }
}
