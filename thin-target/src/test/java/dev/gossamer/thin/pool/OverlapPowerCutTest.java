package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * As {@link PowerCutTest}, with many requests under way at any time, so that commits overlap with writes, trims,
 * flushes, other commits and management operations: power fails after every operation of the two disks. What was
 * answered as stable is there, in every sector, and nothing that was never written (rules G-2, G-3, G-4, G-7, I-6, I-7,
 * D-6a).
 */
class OverlapPowerCutTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME = 24 * BLOCK;
    private static final int DATA_BLOCKS = 120;
    private static final int STEPS = 160;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void whatWasAnsweredAsStableSurvivesACutAnywhere(long seed) throws StorageException {
        Story whole = run(Long.MAX_VALUE, seed);
        assertTrue(whole.operations > 150, "the story has " + whole.operations + " operations only");
        assertTrue(
                whole.mappedDuringCommit >= 10, "only " + whole.mappedDuringCommit + " blocks were mapped meanwhile");
        for (long cut = 0; cut < whole.operations; cut++) {
            run(cut, seed);
        }
    }

    private static Story run(long cut, long seed) throws StorageException {
        final String where = "seed " + seed + ", cut after operation " + cut;
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = new SimulatedDisk(1 << 20, 512, power);
        SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK, 512, power);
        byte[] foreign = new byte[DATA_BLOCKS * BLOCK];
        java.util.Arrays.fill(foreign, (byte) 0xEE);
        data.writeNow(0, foreign);
        SimPool.format(metadata, data);
        Story story;
        try (SimPool sim = SimPool.open(metadata, data, seed, 2)) {
            sim.create("v", VOLUME).close();
            sim.create("w", VOLUME).close();
            long before = power.operations();
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            story = new Story(sim, seed);
            story.tell();
            story.operations = power.operations() - before;
            assertEquals(cut == Long.MAX_VALUE, power.isOn(), where);
        }
        SplittableRandom random = Seeds.splittable(seed * 1000 + cut);
        metadata.crash(random);
        data.crash(random);
        power.restore();
        SimPool.assertSound(metadata, where);
        try (SimPool sim = SimPool.open(metadata, data, seed, 1)) {
            assertEquals(PoolMode.WRITE, sim.pool.mode(), where);
            for (Subject subject : story.subjects) {
                ThinVolume volume = sim.pool.openVolume(subject.name);
                assertTrue(volume != null || !subject.answered, where + ": " + subject.name + " is gone");
                if (volume != null) {
                    subject.model.check(sim.read(volume, 0, VOLUME), where + ", " + subject.name);
                    volume.close();
                }
            }
            sim.shutDown();
        }
        SimPool.assertSound(metadata, where + ", after going on");
        return story;
    }

    /** A volume, or a snapshot that may not be there yet. */
    private static final class Subject {
        final String name;
        StampModel model;
        boolean answered;
        ThinVolume handle;

        Subject(String name, StampModel model) {
            this.name = name;
            this.model = model;
        }
    }

    /** Something under way, and what it means when it succeeds. */
    private record Pending(SimHarness.Result result, CompletableFuture<?> message, Runnable succeeded) {
        boolean isDone() {
            return result != null ? result.isDone() : message.isDone();
        }

        boolean isOk() {
            return result != null ? result.errno == Errno.OK : !message.isCompletedExceptionally();
        }
    }

    /** The same in every run up to the power cut. */
    private static final class Story {
        private final SimPool sim;
        private final SplittableRandom random;
        private final List<Subject> subjects = new ArrayList<>();
        private final List<Pending> pending = new ArrayList<>();
        private int stamp;
        private boolean failed;
        long operations;
        long mappedDuringCommit;

        Story(SimPool sim, long seed) {
            this.sim = sim;
            this.random = Seeds.splittable(seed);
        }

        void tell() {
            for (String name : new String[] {"v", "w"}) {
                Subject subject = new Subject(name, new StampModel(VOLUME));
                subject.answered = true;
                subject.handle = sim.pool.openVolume(name);
                subjects.add(subject);
            }
            for (int step = 0; step < STEPS && !failed; step++) {
                begin(subjects.get(random.nextInt(2)));
                for (int tasks = random.nextInt(10); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
                if (random.nextInt(30) == 0) {
                    sim.loops.advance(Committer.PERIOD_NANOS);
                }
                settle();
            }
            sim.loops.runUntilIdle();
            settle();
            assertTrue(pending.isEmpty(), "something hangs");
            mappedDuringCommit = sim.pool.counters().mappedDuringCommit.sum();
            if (!failed) {
                subjects.stream().filter(s -> s.handle != null).forEach(s -> s.handle.close());
                CompletableFuture<Void> closed = sim.pool.close();
                sim.loops.runUntilIdle();
                failed = closed.isCompletedExceptionally();
            }
        }

        private void settle() {
            for (int i = 0; i < pending.size(); i++) {
                Pending each = pending.get(i);
                if (each.isDone()) {
                    pending.remove(i--);
                    if (each.isOk()) {
                        each.succeeded.run();
                    } else {
                        failed = true;
                    }
                }
            }
        }

        private void begin(Subject subject) {
            switch (random.nextInt(16)) {
                case 0, 1, 2 -> flush(subject);
                case 3, 4 -> trim(subject);
                case 5 -> message(subject);
                case 6, 7, 8 -> write(subject, random.nextInt(VOLUME / BLOCK) * BLOCK, BLOCK, false);
                case 9 -> write(subject, random.nextInt(VOLUME / BLOCK) * BLOCK, 512, true);
                default -> {
                    int offset = random.nextInt(VOLUME / 512 - 8) * 512;
                    write(subject, offset, 512 * (1 + random.nextInt(8)), random.nextInt(4) == 0);
                }
            }
        }

        private void write(Subject subject, int offset, int length, boolean fua) {
            int its = ++stamp;
            int[] versions = subject.model.begun(offset, length, its);
            start(
                    subject,
                    BlockOperation.WRITE,
                    offset,
                    length,
                    fua ? BlockRequest.FUA : 0,
                    StampModel.bytes(its, length),
                    () -> subject.model.answered(offset, versions, fua));
        }

        private void trim(Subject subject) {
            int offset = random.nextInt(VOLUME / BLOCK - 7) * BLOCK;
            int length = (1 + random.nextInt(8)) * BLOCK;
            int[] versions = subject.model.begun(offset, length, 0);
            start(
                    subject,
                    BlockOperation.DISCARD,
                    offset,
                    length,
                    0,
                    null,
                    () -> subject.model.answered(offset, versions, false));
        }

        private void flush(Subject subject) {
            int[] answers = subject.model.answers();
            start(subject, BlockOperation.FLUSH, 0, 0, 0, null, () -> subject.model.flushed(answers));
        }

        /** Takes a snapshot, deletes the last one, or asks for something that commits and changes nothing. */
        private void message(Subject subject) {
            Subject last = subjects.getLast();
            if (subjects.size() == 2) {
                Subject snapshot = new Subject("s" + stamp, subject.model.snapshotBegun());
                subjects.add(snapshot);
                int[] answers = subject.model.answers();
                CompletableFuture<?> message = sim.pool.createSnapshot(subject.name, snapshot.name, false);
                pending.add(new Pending(null, message, () -> {
                    snapshot.model = snapshot.model.snapshotTaken();
                    subject.model.flushed(answers);
                    snapshot.answered = true;
                }));
            } else if (last.answered && random.nextBoolean()) {
                last.answered = false;
                pending.add(new Pending(null, sim.pool.deleteVolume(last.name), () -> subjects.remove(last)));
            } else {
                pending.add(new Pending(null, sim.pool.dmStatus(), () -> {}));
            }
        }

        private void start(
                Subject subject,
                BlockOperation operation,
                long offset,
                int length,
                int flags,
                byte[] bytes,
                Runnable succeeded) {
            int loop = random.nextInt(2);
            pending.add(new Pending(
                    sim.start(loop, subject.handle, operation, offset, length, flags, bytes), null, succeeded));
        }
    }
}
