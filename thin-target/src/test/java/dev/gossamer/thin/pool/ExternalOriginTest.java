package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusKind;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.VolumeSpec;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Volumes over a device outside the pool: rules, N-3. */
class ExternalOriginTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME = 8 * BLOCK;

    /** An origin that counts, may fail, and must not be written. */
    private static final class Origin implements BlockDevice {
        final SimulatedDisk disk;
        int reads;
        int open;
        boolean failing;

        Origin(byte[] contents, int alignment) {
            disk = new SimulatedDisk(contents.length, alignment);
            disk.writeNow(0, contents);
        }

        Origin opened() {
            open++;
            return this;
        }

        @Override
        public BlockGeometry geometry() {
            return disk.geometry();
        }

        @Override
        public void submit(BlockRequest request) {
            assertEquals(BlockOperation.READ, request.operation(), "X-4: an origin is only read");
            assertTrue(open > 0, "read after it was closed");
            reads++;
            if (failing) {
                request.complete(Errno.EIO);
            } else {
                disk.submit(request);
            }
        }

        @Override
        public void close() {
            open--;
        }
    }

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private Origin origin;
    private boolean missing;
    private SimPool sim;

    private void open() throws StorageException {
        sim = SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS, location -> {
            assertEquals("/images/golden", location);
            if (missing) {
                throw new StorageException(Errno.ENOENT, location + ": gone fishing");
            }
            return origin.opened();
        });
    }

    /** A fresh pool with volume v over an origin of so many bytes. @return what v holds */
    private byte[] over(int originBytes, int alignment) throws StorageException {
        byte[] contents = ThinPoolTest.bytes(originBytes, originBytes);
        origin = new Origin(contents, alignment);
        // What earlier owners of the space left must not show.
        byte[] foreign = new byte[64 * BLOCK];
        Arrays.fill(foreign, (byte) 0xEE);
        data.writeNow(0, foreign);
        metadata.writeNow(0, new byte[4096]);
        SimPool.format(metadata, data);
        open();
        sim.await(sim.pool.createVolumeOver(new VolumeSpec("v", VOLUME), "/images/golden", origin.opened()));
        return Arrays.copyOf(contents, VOLUME);
    }

    @AfterEach
    void theMetadataIsSoundAndTheOriginClosed() throws StorageException {
        if (sim != null) {
            assertEquals(0, sim.inUse());
            sim.shutDown();
            SimPool.assertSound(metadata, "after the test");
            assertEquals(0, origin.open, "closed with the pool");
        }
    }

    private void reopen() throws StorageException {
        sim.shutDown();
        open();
    }

    @Test
    void readsShowTheOriginAndZerosBeyondItsEndAndAllocateNothing() throws StorageException {
        int[] sizes = {VOLUME, 3 * BLOCK, 2 * VOLUME, 3 * BLOCK + 4096, 3 * BLOCK + 8192, 4 * BLOCK - 4096, 4096};
        for (int alignment : new int[] {512, 4096}) {
            for (int size : sizes) {
                byte[] model = over(size, alignment);
                String what = "origin of " + size + ", alignment " + alignment;
                long used = sim.status().dataBlocksUsed();
                ThinVolume volume = sim.pool.openVolume("v");
                assertArrayEquals(model, sim.read(volume, 0, VOLUME), what + " (X-1, X-3)");
                int end = Math.min(size, VOLUME);
                for (int[] range :
                        new int[][] {{0, 1}, {end - 700, 690}, {100, 70_000}, {2 * BLOCK - 1, 2}, {513, 4096}}) {
                    int from = Math.max(0, range[0]);
                    assertArrayEquals(
                            Arrays.copyOfRange(model, from, from + range[1]),
                            sim.read(volume, from, range[1]),
                            what + " " + from);
                }
                assertEquals(used, sim.status().dataBlocksUsed(), "a read allocates nothing");
                assertEquals("/images/golden", volume.info().externalOrigin());
                sim.shutDown();
            }
        }
        open();
    }

    @Test
    void aPartialWriteCopiesTheBlockAndZeroesWhatTheOriginLacks() throws StorageException {
        for (int tail : new int[] {512, 4096, BLOCK - 512}) {
            byte[] model = over(3 * BLOCK + tail, 512);
            ThinVolume volume = sim.pool.openVolume("v");
            int[][] writes = {{BLOCK + 100, 50}, {3 * BLOCK, 256}, {5 * BLOCK + 9, 1000}, {4 * BLOCK - 10, 20}};
            for (int[] write : writes) {
                byte[] bytes = ThinPoolTest.bytes(write[0], write[1]);
                System.arraycopy(bytes, 0, model, write[0], write[1]);
                assertEquals(Errno.OK, sim.write(volume, write[0], bytes));
            }
            assertArrayEquals(model, sim.read(volume, 0, VOLUME), "X-2, tail of " + tail);
            assertEquals(4L * BLOCK, volume.info().mappedBytes());
            int reads = origin.reads;
            byte[] whole = ThinPoolTest.bytes(7, BLOCK);
            assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK, whole));
            assertEquals(reads, origin.reads, "X-2: an overwrite of the whole block needs no copy");
            sim.shutDown();
        }
        open();
        assertArrayEquals(ThinPoolTest.bytes(7, BLOCK), sim.read(sim.pool.openVolume("v"), 2L * BLOCK, BLOCK));
    }

    @Test
    void snapshotsAndRollbacksKeepTheOriginBelow() throws StorageException {
        byte[] model = over(VOLUME, 512);
        ThinVolume volume = sim.pool.openVolume("v");
        sim.write(volume, 0, ThinPoolTest.bytes(1, 512));
        ThinVolume snapshot = sim.snapshot("v", "s");
        byte[] frozen = model.clone();
        System.arraycopy(ThinPoolTest.bytes(1, 512), 0, frozen, 0, 512);
        sim.write(volume, BLOCK, ThinPoolTest.bytes(2, 512));
        assertArrayEquals(frozen, sim.read(snapshot, 0, VOLUME), "T-4");
        volume.close();
        snapshot.close();
        sim.await(sim.pool.rollBack("v", "s", "kept"));
        reopen();
        assertEquals(1, origin.open, "one handle for all three");
        for (String name : new String[] {"v", "s", "kept"}) {
            byte[] expected = frozen.clone();
            if (name.equals("kept")) {
                System.arraycopy(ThinPoolTest.bytes(2, 512), 0, expected, BLOCK, 512);
            }
            ThinVolume each = sim.pool.openVolume(name);
            assertArrayEquals(expected, sim.read(each, 0, VOLUME), name + " (T-4)");
            each.close();
        }
        sim.await(sim.pool.deleteVolume("v"));
        sim.await(sim.pool.deleteVolume("kept"));
        assertEquals(1, origin.open, "the snapshot needs it");
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals(0, origin.open, "nobody needs it");
    }

    @Test
    void trimShowsTheOriginAgainAndZerosStayZeros() throws StorageException {
        byte[] model = over(6 * BLOCK, 512);
        ThinVolume volume = sim.pool.openVolume("v");
        sim.write(volume, 0, ThinPoolTest.bytes(3, 4 * BLOCK));
        assertEquals(Errno.OK, sim.trim(volume, 0, 2L * BLOCK));
        System.arraycopy(ThinPoolTest.bytes(3, 4 * BLOCK), 2 * BLOCK, model, 2 * BLOCK, 2 * BLOCK);
        assertArrayEquals(model, sim.read(volume, 0, VOLUME), "X-5: TRIM");
        assertEquals(Errno.OK, sim.zero(volume, 1000, 4L * BLOCK, 0));
        Arrays.fill(model, 1000, 1000 + 4 * BLOCK, (byte) 0);
        assertArrayEquals(model, sim.read(volume, 0, VOLUME), "X-5: WRITE_ZEROES");
        assertEquals(
                Errno.EOPNOTSUPP, sim.zero(volume, 0, 2L * BLOCK, BlockRequest.FAST_ZERO), "mapping zeros is not fast");
        assertEquals(Errno.OK, sim.zero(volume, 6L * BLOCK, 2L * BLOCK, 0));
        assertEquals(5L * BLOCK, volume.info().mappedBytes(), "beyond the origin zeros need no space");
        assertEquals(Errno.OK, sim.flush(volume));
        volume.close();
        reopen();
        assertArrayEquals(model, sim.read(sim.pool.openVolume("v"), 0, VOLUME), "X-5");
    }

    @Test
    void blockStatusCallsTheOriginNeitherHoleNorZero() throws StorageException {
        over(2 * BLOCK + 4096, 512);
        ThinVolume volume = sim.pool.openVolume("v");
        sim.write(volume, BLOCK, ThinPoolTest.bytes(1, BLOCK));
        sim.write(volume, 4L * BLOCK, ThinPoolTest.bytes(1, BLOCK));
        int hole = StatusKind.HOLE | StatusKind.ZERO;
        assertEquals(
                "[" + (2 * BLOCK + 4096) + ":0, " + (2 * BLOCK - 4096) + ":" + hole + ", " + BLOCK + ":0, " + 3 * BLOCK
                        + ":" + hole + "]",
                status(volume, "base:allocation"),
                "N-3");
        assertEquals(
                "[" + BLOCK + ":2, " + BLOCK + ":1, 4096:2, " + (2 * BLOCK - 4096) + ":0, " + BLOCK + ":1, " + 3 * BLOCK
                        + ":0]",
                status(volume, "qemu:allocation-depth"));
    }

    private String status(ThinVolume volume, String context) {
        try (StatusContext resolved = sim.pool.statusContexts().resolve("v", context)) {
            boolean[] answered = {false};
            StatusQuery query = new StatusQuery(q -> answered[0] = true);
            query.prepare(sim.loops.loop(0), 0, VOLUME, false, resolved);
            volume.queryStatus(query);
            sim.loops.runUntilIdle();
            assertTrue(answered[0]);
            assertEquals(Errno.OK, query.errno());
            StringBuilder text = new StringBuilder("[");
            for (int i = 0; i < query.count(0); i++) {
                text.append(i == 0 ? "" : ", ")
                        .append(query.lengthBytes(0, i))
                        .append(':')
                        .append(query.flags(0, i));
            }
            return text.append(']').toString();
        }
    }

    @Test
    void anOriginThatIsMissingOrAnotherFailsItsVolumeAndNotThePool() throws StorageException {
        final byte[] model = over(VOLUME, 512);
        ThinVolume plain = sim.create("plain", VOLUME);
        sim.write(plain, 0, ThinPoolTest.bytes(1, BLOCK));
        sim.flush(plain);
        Origin golden = origin;
        missing = true;
        reopen();
        assertFailed("gone fishing");
        missing = false;
        origin = new Origin(Arrays.copyOf(model, VOLUME + BLOCK), 512);
        reopen();
        assertFailed("is not what it was");
        assertEquals(0, origin.open, "a refused origin is closed");
        byte[] other = model.clone();
        other[0]++;
        origin = new Origin(other, 512);
        reopen();
        assertFailed("is not what it was");
        origin = golden;
        reopen();
        assertNull(sim.pool.volume("v").externalOriginFailure());
        assertArrayEquals(model, sim.read(sim.pool.openVolume("v"), 0, VOLUME));
    }

    private void assertFailed(String why) {
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(sim.pool.openVolume("plain"), 0, BLOCK));
        ThinVolume volume = sim.pool.openVolume("v");
        assertTrue(
                volume.info().externalOriginFailure().contains(why),
                volume.info().externalOriginFailure());
        assertEquals(
                Errno.EIO,
                sim.finish(sim.start(0, volume, BlockOperation.READ, BLOCK, 512, 0, null)).errno,
                "X-4: never zeros");
        assertEquals(Errno.EIO, sim.write(volume, BLOCK, new byte[512]), "the rest of the block is not known");
    }

    @Test
    void aFailingReadOfTheOriginFailsItsRequestOnly() throws StorageException {
        byte[] model = over(VOLUME, 512);
        ThinVolume volume = sim.pool.openVolume("v");
        long free = sim.status().dataBlocks() - sim.status().dataBlocksUsed();
        origin.failing = true;
        assertEquals(Errno.EIO, sim.write(volume, 100, new byte[10]), "E-5");
        assertEquals(Errno.OK, sim.write(volume, BLOCK, ThinPoolTest.bytes(1, BLOCK)));
        origin.failing = false;
        System.arraycopy(ThinPoolTest.bytes(1, BLOCK), 0, model, BLOCK, BLOCK);
        assertArrayEquals(model, sim.read(volume, 0, VOLUME));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertEquals(free - 1, sim.status().dataBlocks() - sim.status().dataBlocksUsed(), "Z-2: no block is lost");
    }

    @Test
    void whatCannotBeAnOriginIsRefusedAndClosed() throws StorageException {
        over(VOLUME, 512);
        Origin coarse = new Origin(new byte[1 << 16], 8192);
        assertRefused("wants requests of 8192", "w", "/images/coarse", coarse);
        assertRefused("too long", "w", "/images/" + "x".repeat(300), new Origin(new byte[4096], 512));
        assertRefused("exists already", "v", "/images/other", new Origin(new byte[4096], 512));
        assertRefused("is not what it was", "w", "/images/golden", new Origin(new byte[4096], 512));
        assertEquals(1, sim.pool.volumes().size());
    }

    private void assertRefused(String why, String name, String location, Origin candidate) {
        StorageException e = assertThrows(
                StorageException.class,
                () -> sim.await(sim.pool.createVolumeOver(new VolumeSpec(name, VOLUME), location, candidate.opened())));
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertEquals(0, candidate.open);
    }

    @Test
    void aStormAgreesWithTheModelAndAKillKeepsWhatWasFlushed() throws StorageException {
        for (long seed = 1; seed <= 6; seed++) {
            SplittableRandom random = Seeds.splittable(seed);
            byte[] below = over(random.nextInt(1, 2 * VOLUME / 512) * 512, 512);
            byte[] model = below.clone();
            TrimmedSectors trimmed = new TrimmedSectors();
            ThinVolume volume = sim.pool.openVolume("v");
            for (int step = 0; step < 150; step++) {
                int offset = random.nextInt(VOLUME);
                int length = 1 + random.nextInt(Math.min(VOLUME - offset, random.nextBoolean() ? 3000 : 2 * BLOCK));
                String where = "seed " + seed + " step " + step;
                switch (random.nextInt(6)) {
                    case 0 -> {
                        for (int unmapped : trimmed.trim(offset, length)) {
                            System.arraycopy(below, unmapped, model, unmapped, BLOCK);
                        }
                        assertEquals(Errno.OK, sim.trim(volume, offset, length), where);
                    }
                    case 1 -> {
                        Arrays.fill(model, offset, offset + length, (byte) 0);
                        trimmed.written(offset, length);
                        assertEquals(Errno.OK, sim.zero(volume, offset, length, 0), where);
                    }
                    case 2 -> assertArrayEquals(
                            Arrays.copyOfRange(model, offset, offset + length),
                            sim.read(volume, offset, length),
                            where);
                    default -> {
                        byte[] bytes = ThinPoolTest.bytes(step, length);
                        trimmed.written(offset, length);
                        System.arraycopy(bytes, 0, model, offset, length);
                        assertEquals(Errno.OK, sim.write(volume, offset, bytes), where);
                    }
                }
            }
            assertEquals(Errno.OK, sim.flush(volume));
            sim.close();
            origin.open = 0;
            SimPool.assertSound(metadata, "seed " + seed);
            open();
            ThinVolume again = sim.pool.openVolume("v");
            assertNotNull(again);
            assertArrayEquals(model, sim.read(again, 0, VOLUME), "seed " + seed + " after a kill");
            assertFalse(again.info().mappedBytes() == 0);
            sim.shutDown();
        }
        open();
    }
}
