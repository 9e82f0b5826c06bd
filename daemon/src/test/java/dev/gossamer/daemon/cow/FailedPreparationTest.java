package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.ThinPool;
import dev.gossamer.thin.pool.ThinVolume;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** A block of the pool that cannot be prepared: the log tells what failed, a read or a write, and of which block. */
class FailedPreparationTest {
    private static final int BLOCK = CowWorld.POOL_BLOCK;

    private interface Story {
        void tell() throws StorageException;
    }

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static String logged(Story story) throws StorageException {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            story.tell();
        } finally {
            System.setErr(before);
        }
        return log.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aReadIsLoggedAsAReadAndAWriteAsAWrite() throws StorageException {
        CowWorld world = new CowWorld();
        CowLife life = new CowLife(world, 1);
        ThinPool.join(life.pool.createVolume(new VolumeSpec("v", 4L * BLOCK)));
        ThinVolume v = life.pool.openVolume("v");
        assertEquals(Errno.OK, life.write(v, 0, filled(1, BLOCK)));
        long old = ThinPool.join(life.pool.status()).dataBlocksUsed() - 1;
        ThinPool.join(life.pool.createSnapshot("v", "s", false));
        world.dataFaults.failAlways(BlockOperation.READ, Errno.EIO);
        String reading = logged(() -> assertEquals(Errno.EIO, life.write(v, 4096, filled(2, 512))));
        assertTrue(reading.contains("v: reading data block " + old + " failed: EIO"), reading);
        world.dataFaults.heal();
        life.pass(); // One line a second.
        world.dataFaults.failAlways(BlockOperation.WRITE, Errno.EIO);
        String writing = logged(() -> assertEquals(Errno.EIO, life.write(v, BLOCK, filled(2, BLOCK))));
        assertTrue(writing.contains("v: writing data block ") && writing.contains(" failed: EIO"), writing);
        world.dataFaults.heal();
        v.close();
        life.stop();
    }
}
