package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.owner.ForeignOwner;
import dev.gossamer.thin.owner.ForgedSlots;
import org.junit.jupiter.api.Test;

/** Owner slots that no owner wrote: left by a guest in a block that it trimmed, or damaged. */
class OwnerForgeryTest extends SharedDisks {
    private static final long HIGHEST = -1;

    private void forge(ForgedSlots slots) throws Exception {
        ownerBlock = SimOwner.look(metadata, data).offsetBytes();
        data.writeNow(ownerBlock, slots.image());
    }

    /** The catalog has yet to get the block. */
    @Test
    void whatAGuestLeftInTheBlockIsNotBelieved() throws Exception {
        forge(new ForgedSlots().running(HIGHEST - 1, 3).running(HIGHEST - 2, 2).door(HIGHEST));
        SimOwner owner = open(alpha);
        run(30 * SECOND_NANOS, owner);
        assertNull(owner.lost);
        assertTrue(owner.ownership.isCertain());
        shutDown(owner);
        SimOwner next = start(beta, false);
        run(5 * SECOND_NANOS, next);
        assertTrue(next.isOpen(), "nothing of it is left");
    }

    @Test
    void whoeverClaimsTheBlockBeforeTheCatalogHasItIsSeenByTheNext() throws Exception {
        SimOwner first = start(alpha, false);
        first.beforeOpening = () -> {
            throw new IllegalStateException("dies before the first commit");
        };
        try {
            run(30 * SECOND_NANOS, first);
        } catch (IllegalStateException e) {
            assertEquals("dies before the first commit", e.getMessage());
        }
        assertFalse(SimOwner.look(metadata, data).mapped());
        SimOwner second = start(beta, false);
        run(8 * SECOND_NANOS, second);
        assertFalse(second.isOpen(), "the first may be alive");
        run(30 * SECOND_NANOS, second);
        assertTrue(second.isOpen());
    }

    @Test
    void withoutAnEpochLeftOnlyForceBeginsANewOne() throws Exception {
        shutDown(open(alpha));
        forge(new ForgedSlots().closed(HIGHEST, 4).door(HIGHEST));
        byte[] before = data.readNow(ownerBlock, Catalog.OWNER_BYTES);
        SimOwner owner = start(beta, false);
        run(5 * SECOND_NANOS, owner);
        assertFalse(owner.refused instanceof ForeignOwner);
        assertTrue(owner.refused.getMessage().contains("start once with --force-owner"), owner.refused.getMessage());
        assertArrayEquals(before, data.readNow(ownerBlock, Catalog.OWNER_BYTES));
        SimOwner forced = start(beta, true);
        run(30 * SECOND_NANOS, forced);
        assertTrue(forced.isOpen(), () -> "refused: " + forced.refused);
        shutDown(forced);
        SimOwner next = start(alpha, false);
        run(5 * SECOND_NANOS, next);
        assertTrue(next.isOpen());
    }
}
