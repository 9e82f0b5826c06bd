package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Slots of the catalog with right checksums that cannot be: they cost the volume they speak of, and no other. */
class ForgedSlotsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L * BLOCK;
    private static final int SEQUENCE = 8;
    private static final int CHECKSUM = 16;
    private static final int NAME_LENGTH = 44;
    private static final int SIZE = 48;
    private static final int NAME = 80;
    private static final int LIMIT = 208;
    private static final int RESERVE = 216;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);

    /** Volumes v and w, devices 0 and 1. */
    @BeforeEach
    void format() throws StorageException {
        SimPool.format(metadata, data);
        whileOpen(sim -> {
            for (String name : new String[] {"v", "w"}) {
                ThinVolume volume = sim.create(name, VOLUME);
                assertEquals(Errno.OK, sim.write(volume, 0, contents(name)));
                volume.close();
            }
        });
    }

    private static byte[] contents(String name) {
        return ThinPoolTest.bytes(name.hashCode(), BLOCK);
    }

    private void forge(int id, Consumer<ByteBuffer> edit) {
        ForgedMetadata forged = new ForgedMetadata(metadata);
        ByteBuffer leaf = forged.block(forged.mappingsOf(Catalog.PREFERRED_ID));
        long block = leaf.getLong(ForgedMetadata.valueOffset(leaf, 0)) >>> 24;
        for (int half = 0; half < 2; half++) {
            long at = block * BLOCK + id * 1024L + half * 512L;
            byte[] bytes = data.readNow(at, 512);
            ByteBuffer slot = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (slot.getLong(0) != 0) {
                edit.accept(slot);
                slot.putInt(CHECKSUM, 0);
                CRC32C crc = new CRC32C();
                crc.update(bytes);
                slot.putInt(CHECKSUM, (int) crc.getValue());
                data.writeNow(at, bytes);
            }
        }
    }

    private static Consumer<ByteBuffer> named(String name) {
        return slot -> {
            byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
            slot.putInt(NAME_LENGTH, bytes.length);
            slot.put(NAME, bytes);
        };
    }

    private void assertServed(SimPool sim, String name, String contents) throws StorageException {
        ThinVolume volume = sim.pool.openVolume(name);
        assertNull(sim.pool.volume(name).damage());
        assertArrayEquals(contents(contents), sim.read(volume, 0, BLOCK));
        assertEquals(Errno.OK, sim.write(volume, 9L * BLOCK, new byte[BLOCK]));
        assertEquals(Errno.OK, sim.flush(volume));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        volume.close();
    }

    private interface Visit {
        void at(SimPool sim) throws StorageException;
    }

    /** Opens the pool, and closes it afterwards. */
    private void whileOpen(Visit visit) throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            visit.at(sim);
            sim.shutDown();
        }
    }

    private void assertSound(SimPool sim, String name, String contents) throws StorageException {
        assertNull(sim.pool.volume(name).damage());
        ThinVolume volume = sim.pool.openVolume(name);
        assertArrayEquals(contents(contents), sim.read(volume, 0, BLOCK));
        volume.close();
    }

    private static void assertBarred(SimPool sim, String name) throws StorageException {
        String damage = sim.pool.volume(name).damage();
        assertTrue(damage.contains("rename"), damage);
        assertFalse(damage.contains("\n"), damage);
        ThinVolume volume = sim.pool.openVolume(name);
        assertEquals(Errno.EIO, sim.write(volume, 0, new byte[512]));
        volume.close();
    }

    @SuppressWarnings("ImmutableEnumChecker") // lambdas without a state
    enum Impossible {
        A_NEGATIVE_LIMIT(slot -> slot.putLong(LIMIT, -1)),
        A_RESERVE_ABOVE_THE_LIMIT(slot -> slot.putLong(LIMIT, BLOCK).putLong(RESERVE, 2 * BLOCK)),
        A_SIZE(slot -> slot.putLong(SIZE, Long.MAX_VALUE)),
        A_NAME(named("../w\n")),
        NO_NAME(named(""));

        private final Consumer<ByteBuffer> edit;

        Impossible(Consumer<ByteBuffer> edit) {
            this.edit = edit;
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeSaidOfAVolumeCostsThatVolumeUntilItIsNamedAnew(Impossible forged) throws StorageException {
        forge(0, forged.edit);
        whileOpen(sim -> {
            assertNull(sim.pool.volume("v"));
            assertBarred(sim, "thin-0");
            assertServed(sim, "w", "w");
            sim.await(sim.pool.renameVolume("thin-0", "v"));
        });
        whileOpen(sim -> {
            assertServed(sim, "w", "w");
            assertSound(sim, "v", "v");
        });
    }

    @Test
    void moreReservedThanThePoolHasTakesNothingFromOthers() throws StorageException {
        forge(0, slot -> slot.putLong(RESERVE, Long.MAX_VALUE));
        whileOpen(sim -> {
            assertServed(sim, "w", "w");
            assertServed(sim, "v", "v");
            assertEquals(VolumeLimits.NONE, sim.pool.volume("v").limits());
        });
    }

    /** Each could be. */
    @Test
    void moreReservedTogetherThanThePoolHasTakesNothingFromOthers() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume x = sim.create("x", VOLUME);
            assertEquals(Errno.OK, sim.write(x, 0, contents("x")));
            x.close();
            sim.shutDown();
        }
        forge(0, slot -> slot.putLong(RESERVE, 60L * BLOCK));
        forge(1, slot -> slot.putLong(RESERVE, 60L * BLOCK));
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            for (String name : new String[] {"x", "v", "w"}) {
                assertServed(sim, name, name);
            }
            sim.await(sim.pool.limitVolume("v", VolumeLimits.NONE));
            assertEquals(58, sim.status().space().dataBlocksReserved(), "and what is possible is held back again");
            sim.shutDown();
        }
    }

    /** As after trims of what a snapshot still has. */
    @Test
    void moreReservedTogetherThanIsFreeGoesToWhoeverOfThemComesFirst() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume x = sim.create("x", VOLUME);
            for (int i = 0; i < 60; i++) {
                assertEquals(Errno.OK, sim.write(x, (long) i * BLOCK, new byte[512]));
            }
            x.close();
            sim.shutDown();
        }
        forge(0, slot -> slot.putLong(RESERVE, 45L * BLOCK));
        forge(1, slot -> slot.putLong(RESERVE, 45L * BLOCK));
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            long free = sim.status().space().dataBlocksFree();
            assertTrue(sim.status().space().dataBlocksReserved() > free);
            assertServed(sim, "v", "v");
            assertServed(sim, "w", "w");
            ThinVolume x = sim.pool.openVolume("x");
            assertEquals(Errno.ENOSPC, sim.write(x, 62L * BLOCK, new byte[512]), "it has none of it");
            x.close();
            sim.shutDown();
        }
    }

    /** Clients are granted what they may reach by name. */
    @Test
    void aNameThatTwoVolumesHaveIsNeithers() throws StorageException {
        forge(0, named("w"));
        whileOpen(sim -> {
            assertNull(sim.pool.openVolume("w"));
            assertBarred(sim, "thin-0");
            assertBarred(sim, "thin-1");
            StorageException taken = assertThrows(
                    StorageException.class, () -> sim.await(sim.pool.createVolume(new VolumeSpec("w", VOLUME))));
            assertEquals(Errno.EEXIST, taken.errno(), "or all three would have it at the next opening");
            sim.await(sim.pool.renameVolume("thin-0", "v"));
            assertNull(sim.pool.openVolume("w"), "not before that");
        });
        whileOpen(sim -> {
            assertServed(sim, "v", "v");
            assertServed(sim, "w", "w");
        });
    }

    @Test
    void theNameThatADeviceWithoutOneGetsIsNeverAnothers() throws StorageException {
        forge(0, slot -> slot.putLong(0, 0)); // no slot any more
        forge(1, named("thin-0"));
        whileOpen(sim -> {
            assertServed(sim, "thin-0", "w");
            assertNotNull(sim.pool.volumes().getFirst().damage(), "its name is another's");
            sim.await(sim.pool.renameVolume("thin-0", "w"));
        });
        whileOpen(sim -> {
            assertServed(sim, "w", "w");
            assertSound(sim, "thin-0", "v");
        });
    }

    /** What is written next is newer, whatever number the half before it has. */
    @Test
    void theHighestSequenceIsNotInForceForEver() throws StorageException {
        forge(0, slot -> slot.putLong(SEQUENCE, Long.MAX_VALUE));
        for (String[] names : new String[][] {{"v", "x"}, {"x", "y"}, {"y", "z"}}) {
            whileOpen(sim -> {
                assertServed(sim, names[0], "v");
                sim.await(sim.pool.renameVolume(names[0], names[1]));
            });
        }
    }

    @Test
    void ratesThatCannotBeCostTheVolumeAlone() throws StorageException {
        forge(0, slot -> {
            slot.put(248, (byte) 1);
            slot.putLong(249, -7);
        });
        whileOpen(sim -> {
            assertServed(sim, "w", "w");
            assertNotNull(sim.pool.volume("thin-0").damage());
            assertEquals(IoRates.NONE, sim.pool.volume("thin-0").rates());
        });
    }
}
