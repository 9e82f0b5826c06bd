package dev.gossamer.thin.pool;

import static dev.gossamer.thin.owner.PoolOwnership.Role.METADATA;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.owner.ForeignOwner;
import dev.gossamer.thin.owner.PoolOwnership;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Several machines that want one pool, on disks that all of them reach (OP-10 to OP-12). */
class TwoOwnersTest extends SharedDisks {
    @Test
    void afterACleanCloseTheNextDaemonBeginsAtOnce() throws Exception {
        shutDown(open(alpha));
        SimOwner next = start(beta, false);
        run(5 * SECOND_NANOS, next);
        assertTrue(next.isOpen(), "no waiting but for the network");
    }

    @Test
    void afterAKillTheNextDaemonOfTheMachineBeginsAtOnceAndAnotherMachinesWaits() throws Exception {
        SimOwner killed = open(alpha);
        killed.close();
        owners.remove(killed);
        SimOwner elsewhere = start(beta, false);
        run(8 * SECOND_NANOS, elsewhere);
        assertFalse(elsewhere.isOpen() || elsewhere.isOver());
        elsewhere.close();
        owners.remove(elsewhere);
        SimOwner here = start(alpha, false);
        run(5 * SECOND_NANOS, here);
        assertTrue(here.isOpen());
    }

    @Test
    void aSecondDaemonIsToldWhoHasThePoolAndWritesNothing() throws Exception {
        SimOwner first = open(alpha);
        SimOwner second = start(beta, false);
        run(20 * SECOND_NANOS, first, second);
        assertTrue(second.refused instanceof ForeignOwner, () -> "refused: " + second.refused);
        assertTrue(second.refused.getMessage().contains("host alpha, process"), second.refused::getMessage);
        assertEquals(List.of(0), writers);
        assertTrue(first.isOpen());
    }

    @Test
    void aDeadMachinesPoolIsTakenAfterAWhile() throws Exception {
        SimOwner dead = open(alpha);
        SimOwner next = start(beta, false);
        run(30 * SECOND_NANOS, next);
        assertTrue(next.isOpen());
        run(30 * SECOND_NANOS, next, dead);
        assertTrue(dead.lost.contains("another daemon has used this pool: host beta"), dead.lost);
        assertEquals(PoolMode.FAIL, dead.mode());
        assertTrue(next.isOpen());
    }

    /** The clock that the loops go by stands still meanwhile; another may have waited and claimed. */
    @Test
    void afterASuspensionNothingIsChangedBeforeTheSlotIsSeenToBeOurs() throws Exception {
        SimOwner owner = open(alpha);
        assertTrue(owner.ownership.isCertain());
        alpha.wallMillis += 60_000;
        assertFalse(owner.ownership.isCertain());
        run(10 * SECOND_NANOS, owner);
        assertTrue(owner.ownership.isCertain() && owner.isOpen());
    }

    @Test
    void forceTakesALivingOwnersPoolAndEndsIt() throws Exception {
        SimOwner first = open(alpha);
        SimOwner second = start(beta, true);
        run(30 * SECOND_NANOS, first, second);
        assertTrue(second.isOpen(), () -> "refused: " + second.refused);
        assertTrue(first.lost.contains("host beta"), first.lost);
    }

    @Test
    void aReconnectedDeviceIsLetThroughWhileSuperblockAndSlotAreOurs() throws Exception {
        SimOwner owner = open(alpha);
        for (PoolOwnership.Role role : PoolOwnership.Role.values()) {
            SimOwner.Asked asked = owner.ask(role, network.wayTo(role == METADATA ? metadata : data, at -> {}));
            run(SECOND_NANOS, owner);
            assertEquals("pass", asked.verdict, role::toString);
        }
    }

    /** OP-10's first part, alone: the slot is as it was, and the superblock is somebody else's. */
    @Test
    void aSuperblockThatWeHaveNotWrittenEndsTheOwner() throws Exception {
        SimOwner owner = open(alpha);
        byte[] foreign = metadata.readNow(0, 4096);
        foreign[48] ^= 1;
        metadata.writeNow(0, foreign);
        SimOwner.Asked asked = owner.ask(PoolOwnership.Role.DATA, network.wayTo(data, at -> {}));
        run(SECOND_NANOS, owner);
        assertEquals("refuse: another daemon has used this pool", asked.verdict);
        assertTrue(owner.lost.contains("its superblock is not ours"), owner.lost);
    }

    @Test
    void whenBothDevicesAreAwayEachIsAskedOverTheNewConnectionOfTheOther() throws Exception {
        SimOwner owner = open(alpha);
        ways.forEach(SimNetwork.Way::silence);
        SimOwner.Asked first = owner.ask(METADATA, network.wayTo(metadata, at -> {}));
        run(2 * SECOND_NANOS, owner);
        assertNull(first.verdict, "the slot is on the other device");
        SimOwner.Asked second = owner.ask(PoolOwnership.Role.DATA, network.wayTo(data, at -> {}));
        run(SECOND_NANOS, owner);
        assertEquals("pass", second.verdict);
    }

    /** Who could not write the slot for long enough goes on only after a second look, some seconds after the first. */
    @Test
    void afterALongAbsenceTheSlotIsLookedAtTwice() throws Exception {
        SimOwner owner = open(alpha);
        ways.forEach(SimNetwork.Way::silence);
        run(20 * SECOND_NANOS, owner);
        assertFalse(owner.ownership.isCertain());
        SimNetwork.Way meta = network.wayTo(metadata, at -> {});
        SimOwner.Asked first = owner.ask(METADATA, meta);
        SimOwner.Asked second = owner.ask(PoolOwnership.Role.DATA, network.wayTo(data, at -> {}));
        run(3 * SECOND_NANOS, owner);
        assertNull(second.verdict);
        run(3 * SECOND_NANOS, owner);
        assertEquals("pass", second.verdict);
        assertTrue(owner.ownership.isCertain());
        assertTrue(first.verdict == null || first.verdict.equals("pass"), first.verdict);
    }

    /** The pool is closed, so nobody waits; the door alone tells them apart. */
    @Test
    void ofThoseWhoComeAtOneMomentAtMostOneGetsIn() throws Exception {
        shutDown(open(alpha));
        int opened = 0;
        for (long seed = 0; seed < 400; seed++) {
            SplittableRandom luck = Seeds.splittable(seed);
            SimulatedDisk someMetadata = metadata.copy(new PowerSupply());
            SimulatedDisk someData = data.copy(new PowerSupply());
            try (SimNetwork between = new SimNetwork(luck.split(), 20_000_000, 900_000_000)) {
                List<SimOwner> rivals = new ArrayList<>();
                Set<SimOwner> in = new HashSet<>();
                for (String name : List.of("beta", "gamma", "delta")) {
                    rivals.add(new SimOwner(
                            new SimOwner.Machine(name),
                            between.wayTo(someMetadata, at -> {}),
                            between.wayTo(someData, at -> {}),
                            luck.split(),
                            false));
                }
                for (int step = 0; step < 1500; step++) {
                    between.advance(2_000_000);
                    rivals.forEach(rival -> rival.advance(2_000_000));
                    rivals.stream().filter(SimOwner::isOpen).forEach(in::add);
                }
                assertTrue(in.size() <= 1, in.size() + " opened the pool, seed " + seed);
                opened += in.size();
                rivals.forEach(SimOwner::close);
            }
        }
        assertTrue(opened > 20, () -> "hardly anybody got in");
    }

    /**
     * Both have seen the pool closed. The first is through the door, its slot on the way, when the second comes there.
     */
    @Test
    void whoHasGoneThroughTheDoorHasClosedItBeforeHisSlotIsThere() throws Exception {
        shutDown(open(alpha));
        SimOwner first = start(beta, false);
        SimNetwork.Way ofFirst = ways.get(1);
        ofFirst.hold(at -> at >= ownerBlock && at < ownerBlock + 1024);
        SimOwner second = start(new SimOwner.Machine("gamma"), false);
        SimNetwork.Way ofSecond = ways.get(1);
        ofSecond.hold(at -> at >= ownerBlock + 4096);
        run(SECOND_NANOS / 2, first, second);
        ofSecond.letGo();
        run(3 * SECOND_NANOS, first, second);
        assertFalse(first.isOpen() || second.isOpen());
        ofFirst.letGo();
        run(30 * SECOND_NANOS, first, second);
        assertTrue(first.isOpen());
        assertTrue(second.refused instanceof ForeignOwner, () -> "refused: " + second.refused);
    }

    /** OP-12: the last look, before the first commit. */
    @Test
    void aPoolThatChangesBetweenClaimAndOpeningIsNotOpened() throws Exception {
        byte[] earlier = metadata.readNow(0, 4096);
        shutDown(open(alpha)); // its first commit maps the owner slot
        SimOwner next = start(beta, false);
        next.beforeOpening = () -> metadata.writeNow(0, earlier);
        run(5 * SECOND_NANOS, next);
        assertFalse(next.isOpen());
        assertTrue(next.refused instanceof ForeignOwner, () -> "refused: " + next.refused);
    }

    /** Who takes the slot by force and dies may leave an owner behind who has not noticed. */
    @Test
    void aProcessThatDiedWhileItClaimedIsNoReasonToHurry() throws Exception {
        SimOwner standing = open(alpha);
        SimOwner died = start(beta, true);
        run(3 * SECOND_NANOS, died);
        assertFalse(died.isOpen());
        died.close();
        owners.remove(died);
        standing.standStill(3 * SECOND_NANOS);
        SimOwner next = start(beta, false);
        run(4 * SECOND_NANOS, next);
        assertFalse(next.isOpen(), "the first owner may still be there");
        run(30 * SECOND_NANOS, next);
        assertTrue(next.isOpen());
        run(5 * SECOND_NANOS, next, standing);
        assertTrue(standing.lost.contains("host beta"), standing.lost);
    }

    /** Never two epochs: pauses, delays, deaths, and everybody at once. */
    @Test
    void neverDoTwoChangeOnePool() throws Exception {
        int opened = 0;
        int lost = 0;
        int refused = 0;
        long first = Long.getLong("gossamer.owner.first", 0);
        for (long seed = first; seed < first + Integer.getInteger("gossamer.owner.seeds", 150); seed++) {
            long now = seed;
            try {
                Story story = new Story(seed);
                story.play();
                opened += story.opened;
                lost += story.lost;
                refused += story.refused;
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + now, e);
            }
        }
        assertTrue(opened > 150 && lost > 20 && refused > 20, opened + " opened, " + lost + " lost, " + refused);
    }

    /** Three machines' lives, from one seed. */
    private final class Story {
        private final long[] pausedUntil = new long[3];
        /** Its own clock stands still meanwhile, that of the wall does not. */
        private final boolean[] suspended = new boolean[3];

        private final SimOwner[] present = new SimOwner[3];
        private final SimOwner.Machine[] machines = {
            new SimOwner.Machine("alpha"), new SimOwner.Machine("beta"), new SimOwner.Machine("gamma")
        };
        private final long[] acknowledged = new long[BLOCKS];
        private final SimulatedDisk storyMetadata = metadata.copy(new PowerSupply());
        private final SimulatedDisk storyData = data.copy(new PowerSupply());
        private final SplittableRandom luck;
        private final SimNetwork between;
        private final List<Integer> changers = new ArrayList<>();
        private long ownerBlockOffset = -1;
        private long number;
        private int started;
        private int opened;
        private int lost;
        private int refused;

        Story(long seed) {
            luck = Seeds.splittable(seed);
            between = new SimNetwork(luck.split());
            if (luck.nextInt(4) == 0) {
                between.slowDown(300_000_000, 1_200_000_000);
            }
        }

        private SimNetwork.Way way(SimulatedDisk disk, int who, boolean ofData) {
            return between.wayTo(disk, offset -> {
                boolean ofOwner = ofData
                        && ownerBlockOffset >= 0
                        && offset >= ownerBlockOffset
                        && offset < ownerBlockOffset + Catalog.OWNER_BYTES;
                if (!ofOwner && (changers.isEmpty() || changers.getLast() != who)) {
                    assertFalse(changers.contains(who), () -> "claim " + who + " changes the pool after " + changers);
                    changers.add(who);
                }
            });
        }

        void play() throws StorageException {
            long end = 60 * SECOND_NANOS;
            while (between.nanoTime() < end) {
                between.advance(STEP_NANOS);
                for (int i = 0; i < present.length; i++) {
                    machines[i].wallMillis += STEP_NANOS / 1_000_000;
                    step(i);
                }
            }
            for (SimOwner owner : present) {
                if (owner != null) {
                    owner.close();
                }
            }
            between.advance(10 * SECOND_NANOS); // what was sent arrives
            between.close();
            verify();
        }

        private void step(int i) throws StorageException {
            SimOwner owner = present[i];
            if (owner == null) {
                if (luck.nextInt(300) == 0) {
                    begin(i);
                }
                return;
            }
            if (pausedUntil[i] > between.nanoTime()) {
                owner.standStill(suspended[i] ? 0 : STEP_NANOS);
                return;
            }
            boolean before = owner.isOpen();
            owner.advance(STEP_NANOS);
            opened += owner.isOpen() && !before ? 1 : 0;
            lost += owner.lost != null ? 1 : 0;
            refused += owner.refused instanceof ForeignOwner ? 1 : 0;
            if (owner.isOver() || luck.nextInt(6000) == 0) {
                owner.close();
                present[i] = null;
            } else if (luck.nextInt(1500) == 0) {
                pausedUntil[i] = between.nanoTime() + luck.nextLong(25 * SECOND_NANOS);
                suspended[i] = luck.nextBoolean();
            } else if (owner.isOpen() && luck.nextInt(10) == 0) {
                int block = luck.nextInt(BLOCKS);
                long stamp = ++number;
                owner.write(block, stamp, () -> acknowledged[block] = Math.max(acknowledged[block], stamp));
            }
        }

        private void begin(int i) {
            try {
                ownerBlockOffset = SimOwner.look(storyMetadata, storyData).offsetBytes();
                int who = started++;
                present[i] = new SimOwner(
                        machines[i],
                        way(storyMetadata, who, false),
                        way(storyData, who, true),
                        luck.split(),
                        luck.nextInt(5) == 0);
            } catch (StorageException e) {
                machines[i].end(); // somebody commits at this moment
            }
        }

        /** What was acknowledged is there, or something newer; and nobody has to repair anything. */
        private void verify() throws StorageException {
            SimPool.assertSound(storyMetadata, "after the last owner");
            try (SimPool sim = SimPool.open(storyMetadata, storyData, 1, 1)) {
                ThinVolume volume = sim.pool.openVolume("vol");
                for (int block = 0; block < BLOCKS; block++) {
                    byte[] found = sim.read(volume, (long) block * SimPool.BLOCK, 4096);
                    long stamp = ByteBuffer.wrap(found).getLong(0);
                    assertTrue(
                            stamp >= acknowledged[block],
                            "block " + block + " holds " + stamp + ", acknowledged " + acknowledged[block]);
                }
            }
        }
    }
}
