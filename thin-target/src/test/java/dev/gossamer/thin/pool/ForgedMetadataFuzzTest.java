package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.UnmarkedCatalog;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.metadata.PoolFormat;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Pools of the kernel, and one made here and carried elsewhere, with one forged number each and right checksums:
 * opened, read, written a little, closed, opened again.
 *
 * <p>Whatever the number: no more work than a few walks of all metadata, and no more memory than
 * {@link #MAX_ALLOCATED}; a volume that the edit does not meet reads and writes as before; and no volume shows or
 * overwrites a block of another. An edit of what all volumes need may cost the pool its opening, or its writing.
 * {@code -Dgossamer.fuzz.forgeries=20000} makes it as many as one likes.
 */
class ForgedMetadataFuzzTest {
    /** Some fixtures have a device of the highest id: whoever made them knows that it is no catalog. */
    private static final PoolOptions OPTIONS = SimPool.OPTIONS.withUnmarkedCatalog(UnmarkedCatalog.IGNORE);

    private static final int DEFAULT_FORGERIES = 400;

    /** Those that found something once: a mapping to another volume's block, beside a metadata snapshot. */
    private static final int[] FOUND = {7752};

    /** Bytes on the heap for all that is done with one forged image of some MiB. */
    private static final long MAX_ALLOCATED = 96L << 20;

    /** Looks at metadata blocks, in units of all blocks of the device. */
    private static final int MAX_WALKS = 40;

    private final List<ForgeryImage> images = new ArrayList<>();
    // Where writes have changed who owns a data block.
    private final Map<Long, Set<Integer>> ownersNow = new HashMap<>();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void noForgedNumberCostsMoreThanTheVolumeItIsIn() throws Exception {
        for (String name : new String[] {
            "02-one-thin",
            "04-snapshots",
            "05-discard-delete",
            "06-metadata-snapshot",
            "07-1m-blocks",
            "09-grown",
            "11-data-full"
        }) {
            images.add(ForgeryImage.fixture(name));
        }
        images.add(own());
        for (ForgeryImage image : images) {
            // Nothing forged: nothing found.
            check(image, image.disk(), Set.of(), image.name + " as it is");
        }
        int forgeries = Integer.getInteger("gossamer.fuzz.forgeries", DEFAULT_FORGERIES);
        for (int i = Integer.getInteger("gossamer.fuzz.first", 0); i < forgeries; i++) {
            forge(images, i);
        }
        for (int found : FOUND) {
            forge(images, found);
        }
    }

    private void forge(List<ForgeryImage> images, int seed) throws Exception {
        SplittableRandom random = Seeds.splittable(seed);
        ForgeryImage image = images.get(random.nextInt(images.size()));
        SimulatedDisk disk = image.disk();
        Forger forger = new Forger(image, random);
        forger.edit(disk);
        String where = "forgery " + seed + ": " + forger.what();
        try {
            check(image, disk, forger.met(), where);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(where, e);
        }
    }

    /** Three devices that share much, with trees of two levels. */
    private static ForgeryImage own() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(2 << 20);
        SimulatedDisk data = new SimulatedDisk(4000L * SimPool.BLOCK);
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(null, buffers));
            PoolFormat.format(io, data, SimPool.BLOCK);
            try (PoolMetadata pool = PoolMetadata.open(io, data, 256)) {
                pool.life().createDevice(1);
                pool.life().createDevice(2);
                for (long b = 0; b < 600; b++) {
                    pool.insert(1, b, pool.reserveDataBlock());
                    pool.insert(2, 2 * b, pool.reserveDataBlock());
                }
                pool.life().createSnapshot(3, 1);
                for (long b = 100; b < 130; b++) {
                    pool.insert(1, b, pool.reserveDataBlock());
                    pool.insert(3, b + 300, pool.reserveDataBlock());
                }
                pool.writer().writeNow(pool.freeze(), data);
                pool.committed();
            }
        }
        // As after a repair by other tools: nobody vouches for it.
        new ForgedMetadata(metadata).putSuperblockLong(384, 0);
        return ForgeryImage.of("own", metadata);
    }

    private void check(ForgeryImage image, SimulatedDisk metadata, Set<Integer> met, String where)
            throws StorageException, IOException {
        ownersNow.clear();
        StampDisk data = new StampDisk(image.dataBlocks, image.blockBytes);
        long allocated = threads.getThreadAllocatedBytes(Thread.currentThread().threadId());
        SimPool sim;
        try {
            sim = SimPool.open(metadata, data, 1, 1, OPTIONS);
        } catch (StorageException refused) {
            assertTrue(Forger.meetsAll(met), where + ": refused: " + refused.getMessage());
            return;
        }
        use(sim, image, data, met, where);
        assertTrue(sim.pool.metadataVisits() < MAX_WALKS * image.metadataBlocks, where + ": visits");
        closeAndLookAgain(sim, image, metadata, data, met, where);
        long used = threads.getThreadAllocatedBytes(Thread.currentThread().threadId()) - allocated;
        assertTrue(used < MAX_ALLOCATED, where + ": allocated " + used);
    }

    private void use(SimPool sim, ForgeryImage image, StampDisk data, Set<Integer> met, String where) {
        assertEquals(Set.of(), data.takeWritten(), where);
        for (Map.Entry<Integer, TreeMap<Long, Long>> device : image.mappings.entrySet()) {
            int id = device.getKey();
            boolean untouched = !Forger.meetsAll(met) && !met.contains(id);
            VolumeInfo info = sim.pool.volume("thin-" + id);
            assertTrue(info != null || Forger.meetsAll(met), where + ": volume " + id + " is gone");
            if (info == null) {
                continue;
            }
            if (untouched) {
                assertEquals(null, info.damage(), where + ": volume " + id);
            }
            ThinVolume volume = sim.pool.openVolume("thin-" + id);
            for (long block : blocksToTry(device.getValue(), info.sizeBytes() / image.blockBytes)) {
                read(sim, image, volume, id, block, untouched, where);
            }
            for (long block : blocksToTry(device.getValue(), info.sizeBytes() / image.blockBytes)) {
                write(sim, image, data, volume, id, block, untouched, where);
            }
            int errno = sim.flush(volume);
            assertTrue(!untouched || errno == Errno.OK, where + ": flush of volume " + id);
            volume.close();
        }
        assertTrue(sim.pool.mode() != PoolMode.FAIL, where + ": " + sim.pool.events());
        assertTrue(
                Forger.meetsAll(met) || sim.pool.mode().compareTo(PoolMode.READ_ONLY) < 0,
                where + ": " + sim.pool.events());
    }

    private static List<Long> blocksToTry(NavigableMap<Long, Long> mapped, long blocks) {
        List<Long> tried = new ArrayList<>();
        if (!mapped.isEmpty()) {
            long middle = mapped.ceilingKey((mapped.firstKey() + mapped.lastKey()) / 2);
            tried.addAll(List.of(mapped.firstKey(), middle, mapped.lastKey()));
            for (long b = 0; b < blocks && tried.size() < 4; b++) {
                if (!mapped.containsKey(b)) {
                    tried.add(b);
                }
            }
        }
        tried.removeIf(block -> block >= blocks);
        return tried;
    }

    private static void read(
            SimPool sim, ForgeryImage image, ThinVolume volume, int id, long block, boolean untouched, String where) {
        SimHarness.Result result =
                sim.finish(sim.start(0, volume, BlockOperation.READ, block * image.blockBytes, 512, 0, null));
        String its = where + ": volume " + id + " block " + block;
        if (result.errno != Errno.OK) {
            assertEquals(Errno.EIO, result.errno, its);
            assertTrue(!untouched, its + " cannot be read: " + sim.pool.events());
            return;
        }
        long shown = StampDisk.blockOf(result.data);
        Set<Integer> owners = image.ownersOfData(shown);
        assertTrue(owners.isEmpty() || owners.contains(id), its + " shows data block " + shown + " of " + owners);
        if (untouched) {
            assertEquals(image.mappings.get(id).getOrDefault(block, -1L), shown, its);
        }
    }

    private void write(
            SimPool sim,
            ForgeryImage image,
            StampDisk data,
            ThinVolume volume,
            int id,
            long block,
            boolean untouched,
            String where) {
        byte[] bytes = new byte[512];
        SimHarness.Result result =
                sim.finish(sim.start(0, volume, BlockOperation.WRITE, block * image.blockBytes, 512, 0, bytes));
        String its = where + ": volume " + id + " write to block " + block;
        if (untouched && result.errno != Errno.OK) {
            assertEquals(Errno.ENOSPC, result.errno, its + ": " + sim.pool.events());
            assertEquals("11-data-full", image.name, its);
        }
        Long before = image.mappings.get(id).get(block);
        for (long written : data.takeWritten()) {
            Set<Integer> owners = owners(image, written);
            assertTrue(
                    owners.isEmpty() || owners.equals(Set.of(id)),
                    its + " went to data block " + written + " of " + owners);
            ownersNow.put(written, Set.of(id));
            if (before != null && before != written) {
                // Sharing is broken: what is left behind is the others'.
                Set<Integer> left = new TreeSet<>(owners(image, before));
                left.remove(id);
                ownersNow.put(before, left);
            }
        }
    }

    private Set<Integer> owners(ForgeryImage image, long dataBlock) {
        return ownersNow.getOrDefault(dataBlock, image.ownersOfData(dataBlock));
    }

    private static void closeAndLookAgain(
            SimPool sim, ForgeryImage image, SimulatedDisk metadata, StampDisk data, Set<Integer> met, String where)
            throws StorageException {
        try {
            sim.shutDown();
        } catch (StorageException e) {
            assertTrue(Forger.meetsAll(met), where + ": close: " + e.getMessage());
            return;
        }
        if (Forger.meetsAll(met)) {
            return;
        }
        try (SimPool again = SimPool.open(metadata, data, 2, 1, OPTIONS)) {
            for (int id : image.mappings.keySet()) {
                if (!met.contains(id)) {
                    ThinVolume volume = again.pool.openVolume("thin-" + id);
                    for (Map.Entry<Long, Long> mapping : image.mappings.get(id).entrySet()) {
                        if (image.ownersOfData(mapping.getValue()).size() == 1 && mapping.getKey() % 7 == 3) {
                            read(again, image, volume, id, mapping.getKey(), true, where + ", again");
                        }
                    }
                    volume.close();
                }
            }
            again.shutDown();
        }
    }
}
