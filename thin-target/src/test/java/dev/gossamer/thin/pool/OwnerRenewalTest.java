package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.thin.owner.ForeignOwner;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** When an owner may go on (OP-11): on a slow way, after it stood still, when somebody has begun to take its pool. */
class OwnerRenewalTest extends SharedDisks {
    private static final int DOOR_OFFSET = 8192;

    @Test
    void onASlowWayTheSlotIsKeptAndNothingIsHeld() throws Exception {
        SimOwner owner = open(alpha);
        network.slowDown(1_050_000_000, 1_150_000_000); // a look and a write take more than four seconds together
        for (int second = 0; second < 300; second++) {
            run(SECOND_NANOS, owner);
            assertTrue(owner.ownership.isCertain(), "after " + second + " s");
        }
    }

    @Test
    void theOwnersOwnRequestsAreUrgentAndNoOthersAre() throws Exception {
        SimOwner owner = open(alpha);
        Set<String> sent = new TreeSet<>();
        ways.get(1)
                .watch(request -> sent.add((isOwnerBlock(request.offsetBytes()) ? "owner's " : "pool's ")
                        + request.operation()
                        + (request.hasFlag(BlockRequest.URGENT) ? " urgent" : "")));
        owner.write(1, 5, () -> {});
        run(10 * SECOND_NANOS, owner);
        assertEquals(Set.of("owner's READ urgent", "owner's WRITE urgent", "pool's FLUSH", "pool's WRITE"), sent);
    }

    @Test
    void onASlowWayAnOwnerThatStoodStillGoesOn() throws Exception {
        SimOwner owner = open(alpha);
        network.slowDown(550_000_000, 950_000_000);
        owner.standStill(20 * SECOND_NANOS);
        assertFalse(owner.ownership.isCertain());
        run(30 * SECOND_NANOS, owner);
        assertTrue(owner.ownership.isCertain());
    }

    /** The loop's clock says that no time has passed, and the answer is waiting when the machine wakes up. */
    @Test
    void aWriteFromBeforeASuspensionSaysNothingOfTheTimeAfterIt() throws Exception {
        SimOwner owner = open(alpha);
        ways.get(1).hold(this::isOwnerBlock);
        run(3 * SECOND_NANOS, owner);
        assertTrue(owner.ownership.isCertain());
        alpha.wallMillis += 60_000;
        ways.get(1).letGo();
        run(2 * SECOND_NANOS, owner);
        assertFalse(owner.ownership.isCertain());
        run(10 * SECOND_NANOS, owner);
        assertTrue(owner.ownership.isCertain() && owner.isOpen());
    }

    /** The taker has waited long enough; while it enters, the owner is back and writes. */
    @Test
    void anOwnerThatComesBackDuringAClaimKeepsItsPool() throws Exception {
        SimOwner first = open(alpha);
        first.standStill(20 * SECOND_NANOS);
        SimOwner second = start(beta, false);
        ways.get(1).hold(offset -> offset >= ownerBlock + 4096);
        run(12 * SECOND_NANOS, second);
        ways.get(1).letGo();
        byte[] door = data.readNow(ownerBlock + DOOR_OFFSET, 512);
        run(30 * SECOND_NANOS, first, second);
        assertTrue(first.isOpen() && first.ownership.isCertain(), () -> "lost: " + first.lost);
        assertTrue(second.refused instanceof ForeignOwner, () -> "refused: " + second.refused);
        assertEquals(List.of(0), writers);
        assertArrayEquals(door, data.readNow(ownerBlock + DOOR_OFFSET, 512));
    }

    /** It may write the slot at any moment, for as long as an owner may between a look and a write. */
    @Test
    void behindSomebodyWhoWentThroughTheDoorAnOwnerWaitsLonger() throws Exception {
        SimOwner owner = open(alpha);
        SimOwner claiming = start(beta, true);
        ways.get(1).hold(offset -> offset >= ownerBlock && offset < ownerBlock + 1024);
        run(2 * SECOND_NANOS, claiming);
        claiming.close();
        owners.remove(claiming);
        owner.standStill(20 * SECOND_NANOS);
        run(10 * SECOND_NANOS, owner);
        assertFalse(owner.ownership.isCertain());
        run(10 * SECOND_NANOS, owner);
        assertTrue(owner.ownership.isCertain() && owner.isOpen());
    }
}
