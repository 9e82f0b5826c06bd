package dev.gossamer.thin.owner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The owner slot's bytes (OP-11). */
class OwnerSlotTest {
    private static final UUID BASIS = new UUID(8, 9);
    private static final OwnerProcess PROCESS =
            new OwnerProcess(new UUID(1, 2), new UUID(3, 4), 4026531836L, 4711, 99, "alpha");

    private static OwnerSlot slot(long epoch, long sequence) {
        return new OwnerSlot(
                epoch, sequence, OwnerSlot.State.RUNNING, new UUID(5, epoch), BASIS, PROCESS, 2000, 1_000, 2_000);
    }

    private static byte[] block(OwnerSlot even, OwnerSlot odd) {
        byte[] image = new byte[OwnerBlock.readBytes(512)];
        even.encode(image, 0, OwnerSlot.MAGIC_SLOT);
        odd.encode(image, OwnerSlot.BYTES, OwnerSlot.MAGIC_SLOT);
        return image;
    }

    @Test
    void whatIsWrittenIsRead() {
        byte[] bytes = new byte[1024];
        slot(7, 8).encode(bytes, 512, OwnerSlot.MAGIC_SLOT);
        assertEquals(slot(7, 8), OwnerSlot.decode(bytes, 512, OwnerSlot.MAGIC_SLOT));
        assertNull(OwnerSlot.decode(bytes, 0, OwnerSlot.MAGIC_SLOT), "zeros");
        assertNull(OwnerSlot.decode(bytes, 512, OwnerSlot.MAGIC_DOOR), "another register");
        OwnerSlot closed = slot(7, 8).next(OwnerSlot.State.CLOSED, 3_000);
        closed.encode(bytes, 0, OwnerSlot.MAGIC_SLOT);
        assertEquals(closed, OwnerSlot.decode(bytes, 0, OwnerSlot.MAGIC_SLOT));
    }

    @Test
    void everyWrongByteIsNoticed() {
        byte[] sound = new byte[OwnerSlot.BYTES];
        slot(7, 8).encode(sound, 0, OwnerSlot.MAGIC_SLOT);
        for (int i = 0; i < sound.length; i++) {
            byte[] wrong = sound.clone();
            wrong[i] ^= 0x10;
            assertNull(OwnerSlot.decode(wrong, 0, OwnerSlot.MAGIC_SLOT), "byte " + i);
        }
    }

    @Test
    void aTornWriteLeavesTheOtherHalf() {
        SplittableRandom random = Seeds.splittable(3);
        for (int cut = 0; cut <= OwnerSlot.BYTES; cut += 8) {
            byte[] image = block(slot(7, 8), slot(7, 7));
            byte[] next = new byte[OwnerSlot.BYTES];
            slot(7, 9).encode(next, 0, OwnerSlot.MAGIC_SLOT);
            System.arraycopy(next, 0, image, OwnerSlot.BYTES, cut);
            if (cut > 0 && cut < OwnerSlot.BYTES) {
                image[OwnerSlot.BYTES + random.nextInt(cut)] ^= 1;
            }
            long sequence = Registers.decode(image).slot().sequence();
            assertEquals(cut == OwnerSlot.BYTES ? 9 : 8, sequence, "cut after " + cut);
        }
        byte[] nothing = block(slot(7, 8), slot(7, 7));
        Arrays.fill(nothing, 0, 1024, (byte) 0x5a);
        assertNull(Registers.decode(nothing).slot(), "both halves gone");
    }

    @Test
    void theLaterOwnerCountsWhateverTheEarlierOneStillWrites() {
        assertEquals(8, Registers.decode(block(slot(8, 2), slot(7, 900))).slot().epoch());
        assertEquals(8, Registers.decode(block(slot(7, 900), slot(8, 2))).slot().epoch());
        assertFalse(slot(8, 2).isSameClaim(null));
        assertTrue(slot(8, 2).isSameClaim(slot(8, 3)));
    }

    @Test
    void foreignTextDoesNotReachTheTerminal() {
        OwnerProcess rude = new OwnerProcess(new UUID(1, 2), new UUID(3, 4), 1, 1, 1, "\u001b[2J" + "x".repeat(400));
        byte[] bytes = new byte[OwnerSlot.BYTES];
        new OwnerSlot(1, 1, OwnerSlot.State.RUNNING, new UUID(1, 1), BASIS, rude, 2000, 0, 0)
                .encode(bytes, 0, OwnerSlot.MAGIC_SLOT);
        String text = OwnerSlot.decode(bytes, 0, OwnerSlot.MAGIC_SLOT).process().text();
        assertEquals("?[2J" + "x".repeat(252), text);
    }
}
