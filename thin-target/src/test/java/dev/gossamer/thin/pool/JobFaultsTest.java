package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.VolumeSpec;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each kind of job, with a client that writes and flushes meanwhile: power is cut after every operation, and the n-th
 * operation of either device fails, for all n. What is left is a sound pool, with all that was flushed; contents that
 * the job has no business to change are unchanged. Moves to make the pool smaller have {@link RelocationPowerCutTest}.
 */
class JobFaultsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 8;
    private static final int VOLUME = BLOCKS * BLOCK;
    private static final int DATA_BLOCKS = 64;
    private static final String ORIGIN = "/images/golden";

    private final SimulatedDisk metadataBase = new SimulatedDisk(1 << 20);
    private final SimulatedDisk dataBase = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final SimulatedDisk origin = new SimulatedDisk(5 * BLOCK);
    private final Map<String, byte[]> contents = new LinkedHashMap<>();
    private final OriginOpener opener = location -> origin;

    enum Kind {
        DEDUPE("b") {
            @Override
            JobInfo start(SimPool sim) throws StorageException {
                return sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
            }
        },
        DEFRAGMENT("a") {
            @Override
            JobInfo start(SimPool sim) throws StorageException {
                return sim.await(sim.pool.jobs().defragment("a"));
            }
        },
        INDEPENDENT("s") {
            @Override
            JobInfo start(SimPool sim) throws StorageException {
                return sim.await(sim.pool.jobs().makeIndependent("s"));
            }
        },
        DETACH("o") {
            @Override
            JobInfo start(SimPool sim) throws StorageException {
                return sim.await(sim.pool.jobs().detach("o"));
            }
        },
        CLONE("a") {
            @Override
            JobInfo start(SimPool sim) throws StorageException {
                CloneSpec spec = new CloneSpec("s", 0, 4L * BLOCK, "b", 4L * BLOCK, false);
                return new JobRig(sim).start(spec, JobRig.steps(2));
            }
        };

        /** The volume that the client writes to. */
        final String written;

        Kind(String written) {
            this.written = written;
        }

        abstract JobInfo start(SimPool sim) throws StorageException;
    }

    /** Shared blocks, scattered ones, equal ones, zeros, and some that show through from an origin. */
    @BeforeEach
    void volumes() throws StorageException {
        origin.writeNow(0, ThinPoolTest.bytes(50, 5 * BLOCK));
        origin.setReadOnly(true);
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = open(metadataBase, dataBase, 1)) {
            ThinVolume a = sim.create("a", VOLUME);
            ThinVolume b = sim.create("b", VOLUME);
            for (int i : new int[] {6, 1, 3, 0, 5, 2}) {
                sim.write(a, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK));
                sim.write(b, (long) i * BLOCK, ThinPoolTest.bytes(i % 3, BLOCK));
            }
            sim.write(b, 7L * BLOCK, new byte[BLOCK]);
            sim.snapshot("a", "s").close();
            sim.write(a, BLOCK, ThinPoolTest.bytes(20, 2 * BLOCK));
            sim.await(sim.pool.createVolumeOver(new VolumeSpec("o", VOLUME), ORIGIN, origin));
            ThinVolume o = sim.pool.openVolume("o");
            sim.write(o, BLOCK + 512, ThinPoolTest.bytes(30, 512));
            sim.write(o, 6L * BLOCK, ThinPoolTest.bytes(31, BLOCK));
            sim.loops.advance(3_000_000_000L);
            for (ThinVolume volume : new ThinVolume[] {a, b, o, sim.pool.openVolume("s")}) {
                contents.put(volume.info().name(), sim.read(volume, 0, VOLUME));
                volume.close();
            }
            sim.shutDown();
        }
    }

    private SimPool open(BlockDevice metadata, BlockDevice data, long seed) throws StorageException {
        return SimPool.open(metadata, data, seed, 2, SimPool.OPTIONS, opener);
    }

    @ParameterizedTest
    @EnumSource
    void everyPowerCutLeavesASoundPool(Kind kind) throws StorageException {
        long operations = cut(kind, Long.MAX_VALUE, 1);
        assertTrue(operations > 10, operations + " operations only");
        for (long cut = 0; cut < operations; cut++) {
            cut(kind, cut, cut + 1);
        }
    }

    private long cut(Kind kind, long cut, long seed) throws StorageException {
        String where = kind + ", cut after operation " + cut;
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = metadataBase.copy(power);
        SimulatedDisk data = dataBase.copy(power);
        Client client;
        long before;
        try (SimPool sim = open(metadata, data, seed)) {
            before = power.operations();
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            client = new Client(kind, sim);
            client.run();
        }
        if (cut == Long.MAX_VALUE) {
            assertTrue(client.done, where + ": not done: " + client.said);
        }
        final long operations = power.operations() - before;
        metadata.crash(Seeds.splittable(seed));
        data.crash(Seeds.splittable(seed));
        power.restore();
        check(kind, metadata, data, client, where);
        return operations;
    }

    @ParameterizedTest
    @EnumSource
    void everyFailureOfTheMetadataLeavesASoundPool(Kind kind) throws StorageException {
        failEach(kind, true);
    }

    @ParameterizedTest
    @EnumSource
    void everyFailureOfTheDataLeavesASoundPool(Kind kind) throws StorageException {
        failEach(kind, false);
    }

    private void failEach(Kind kind, boolean ofMetadata) throws StorageException {
        for (boolean butDone : new boolean[] {false, true}) {
            long n = 1;
            while (fail(kind, n, ofMetadata, butDone)) {
                n++;
            }
            assertTrue(n > 3, "only " + n + " operations");
        }
    }

    /** @return whether there was an n-th operation */
    private boolean fail(Kind kind, long n, boolean ofMetadata, boolean butDone) throws StorageException {
        String where = kind + ", operation " + n + " of the " + (ofMetadata ? "metadata" : "data") + " fails"
                + (butDone ? ", but is done" : "");
        SimulatedDisk metadata = metadataBase.copy(new PowerSupply());
        SimulatedDisk data = dataBase.copy(new PowerSupply());
        FaultPlan plan = new FaultPlan();
        Client client;
        try (SimPool sim = open(
                ofMetadata ? new FaultyDevice(metadata, plan) : metadata,
                ofMetadata ? data : new FaultyDevice(data, plan),
                n)) {
            if (butDone) {
                plan.failButDone(null, n, Errno.EIO);
            } else {
                plan.failAny(n, Errno.EIO);
            }
            client = new Client(kind, sim);
            client.run();
            assertTrue(client.over, where + ": it never ends: " + client.said);
            assertEquals(0, sim.inUse(), where + ": requests or buffers leaked");
        }
        metadata.crashLosingAll();
        data.crashLosingAll();
        check(kind, metadata, data, client, where);
        return plan.failures() > 0;
    }

    /** Writes to a volume and flushes while the job is under way, and knows what it was told. */
    private static final class Client {
        private final Kind kind;
        private final SimPool sim;
        int flushed;
        int written;
        boolean over;
        boolean done;
        String said = "";

        Client(Kind kind, SimPool sim) {
            this.kind = kind;
            this.sim = sim;
        }

        void run() {
            try {
                ThinVolume volume = sim.pool.openVolume(kind.written);
                JobInfo job = kind.start(sim);
                JobRig jobs = new JobRig(sim);
                boolean writing = true;
                for (int i = 1; i <= 200 && !job.state().isFinal(); i++) {
                    if (writing && i % 3 == 0 && i < 30) {
                        written = i;
                        boolean stored = sim.write(volume, 512, ThinPoolTest.bytes(100 + i, 512)) == Errno.OK;
                        writing = stored && sim.flush(volume) == Errno.OK;
                        flushed = writing ? i : flushed;
                    }
                    sim.loops.advance(i < 40 ? 700_000L : 100_000_000L);
                    job = jobs.show(job.id());
                }
                sim.loops.advance(1_500_000_000L);
                job = jobs.show(job.id());
                over = job.state().isFinal();
                done = job.state() == JobInfo.State.DONE;
                said = job.toString();
            } catch (StorageException e) {
                over = true; // refused
                said = e.toString();
            }
        }

        boolean mayHold(byte[] found, byte[] before) {
            return (flushed == 0 && Arrays.equals(found, before))
                    || Arrays.equals(found, ThinPoolTest.bytes(100 + flushed, 512))
                    || Arrays.equals(found, ThinPoolTest.bytes(100 + written, 512));
        }
    }

    private void check(Kind kind, SimulatedDisk metadata, SimulatedDisk data, Client client, String where)
            throws StorageException {
        SimPool.assertSound(metadata, where);
        try (SimPool sim = open(metadata, data, 1)) {
            for (Map.Entry<String, byte[]> volume : contents.entrySet()) {
                String name = volume.getKey();
                byte[] found = sim.read(sim.pool.openVolume(name), 0, VOLUME);
                byte[] expected = volume.getValue().clone();
                if (name.equals(kind.written)) {
                    byte[] sector = Arrays.copyOfRange(found, 512, 1024);
                    boolean known = client.mayHold(sector, Arrays.copyOfRange(expected, 512, 1024));
                    assertTrue(known, where + ": a flushed write is lost");
                    System.arraycopy(sector, 0, expected, 512, 512);
                }
                if (kind == Kind.CLONE && name.equals("b")) {
                    adoptClone(expected, found, client.done);
                }
                assertEquals(-1, Arrays.mismatch(expected, found), where + ", " + name + " differs at this byte");
            }
            if (client.done && kind == Kind.DETACH) {
                assertEquals(null, sim.pool.volume("o").externalOrigin(), where);
            }
        }
    }

    /** Whole blocks of the clone are there or not; all are when the job was done. */
    private void adoptClone(byte[] expected, byte[] found, boolean all) {
        for (int i = 4; i < BLOCKS; i++) {
            byte[] source = Arrays.copyOfRange(contents.get("s"), (i - 4) * BLOCK, (i - 3) * BLOCK);
            byte[] there = Arrays.copyOfRange(found, i * BLOCK, (i + 1) * BLOCK);
            if (all || Arrays.equals(source, there)) {
                System.arraycopy(source, 0, expected, i * BLOCK, BLOCK);
            }
        }
    }
}
