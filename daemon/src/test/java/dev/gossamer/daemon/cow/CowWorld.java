package dev.gossamer.daemon.cow;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.pool.ThinPool;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * What outlives a daemon that serves classic snapshots: a pool's two disks, disks for origins and stores, all on one
 * power supply, and what {@code cow.yaml} says. Every replacement of that file is a step of the supply too.
 */
final class CowWorld {
    static final int SIZE = 128 << 10;
    static final int POOL_BLOCK = 64 << 10;
    private static final int POOL_BLOCKS = 20;
    private static final int METADATA_BYTES = 1 << 20;
    /** Disks that tell which they are; the others tell nothing but their size. */
    private static final Set<String> TELLING = Set.of("sda", "sdb");

    private static final SimulatedDisk[] FORMATTED = format();

    /** How a life ends that nobody stops. */
    enum End {
        KILL,
        POWER_CUT
    }

    final PowerSupply power = new PowerSupply();
    final SimulatedDisk metadata = FORMATTED[0].copy(power);
    final SimulatedDisk data = FORMATTED[1].copy(power);
    /** Of the names that the daemon is told. */
    final Map<String, SimulatedDisk> disks = new TreeMap<>();

    /** Of the pool's metadata disk. */
    final FaultPlan metadataFaults = new FaultPlan();
    /** Of its data disk. */
    final FaultPlan dataFaults = new FaultPlan();

    private final Map<String, FaultPlan> plans = new HashMap<>();
    private final Set<String> away = new HashSet<>();
    private CowConfig recorded = CowConfig.EMPTY;
    private boolean recordFails;
    private int recordsBefore;
    private boolean recordFailsButIsDone;

    private static SimulatedDisk[] format() {
        SimulatedDisk metadata = new SimulatedDisk(METADATA_BYTES);
        SimulatedDisk data = new SimulatedDisk((long) POOL_BLOCKS * POOL_BLOCK);
        try (IoBufferPool buffers = new IoBufferPool(1 << 20)) {
            ThinPool.format(metadata, data, POOL_BLOCK, new InlineLoop(new NoFiles(), buffers));
        } catch (StorageException e) {
            throw new IllegalStateException(e);
        }
        return new SimulatedDisk[] {metadata, data};
    }

    void add(String name, int sizeBytes) {
        SimulatedDisk disk = new SimulatedDisk(sizeBytes, SimulatedDisk.SECTOR_BYTES, power);
        if (TELLING.contains(name)) {
            disk.setIdentityName("serial of " + name);
        }
        disks.put(name, disk);
        plans.put(name, new FaultPlan());
    }

    /** From now on everything that is asked of this disk fails, until it is {@link #back}. */
    void vanish(String name) {
        away.add(name);
        plans.get(name).failAlways(null, Errno.EIO);
    }

    void back(String name) {
        away.remove(name);
        plans.get(name).heal();
    }

    /** The next write to this disk fails. */
    void failNextWrite(String name) {
        plans.get(name).fail(BlockOperation.WRITE, 1, Errno.EIO);
    }

    void swap(String one, String other) {
        SimulatedDisk first = disks.get(one);
        disks.put(one, disks.get(other));
        disks.put(other, first);
    }

    void failRecords(boolean fail, boolean butDone) {
        recordFails = fail;
        recordFailsButIsDone = butDone;
        recordsBefore = 0;
    }

    /** After so many records that can be written none can, until {@link #failRecords} says otherwise. */
    void failRecordsAfter(int count) {
        failRecords(true, false);
        recordsBefore = count;
    }

    CowConfig recorded() {
        return recorded;
    }

    CowRecord record() {
        return new CowRecord(recorded, this::write);
    }

    private void write(CowConfig changed) throws StorageException {
        boolean fails = (recordFails || recordFailsButIsDone) && recordsBefore-- <= 0;
        if (!power.step() || (fails && !recordFailsButIsDone)) {
            throw new StorageException(Errno.EIO, "cow.yaml cannot be written");
        }
        recorded = changed;
        if (fails) {
            recordFailsButIsDone = false;
            throw new StorageException(Errno.EIO, "cow.yaml was written, but that is not known");
        }
    }

    BlockDevice open(String name, OpenOptions options) throws StorageException {
        SimulatedDisk disk = disks.get(name);
        if (disk == null || away.contains(name)) {
            throw new StorageException(Errno.ENOENT, name + " is not there");
        }
        return new FaultyDevice(disk, plans.get(name));
    }

    /** The process is gone; with the power, so may be what was not flushed. */
    void end(End how, SplittableRandom random) {
        if (how == End.POWER_CUT) {
            metadata.crash(random);
            data.crash(random);
            disks.values().forEach(disk -> disk.crash(random));
        } else {
            metadata.requesterGone();
            data.requesterGone();
            disks.values().forEach(SimulatedDisk::requesterGone);
        }
        power.restore();
    }

    static final class NoFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("simulated disks are no files");
        }

        @Override
        public String name() {
            return "none";
        }
    }
}
