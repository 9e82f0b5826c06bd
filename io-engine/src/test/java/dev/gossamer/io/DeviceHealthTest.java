package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A device that has lost writes stays failed until it is opened again (T27). */
class DeviceHealthTest {
    private final SimLoops loops = new SimLoops(1, 2, 1 << 20);
    private final FaultPlan plan = new FaultPlan();
    private final BlockDevice faulty = new FaultyDevice(new SimulatedDisk(1 << 20), plan);
    private final BlockDevice device = WatchedDevice.over(faulty);
    private final List<String> told = new ArrayList<>();

    @AfterEach
    void free() {
        loops.close();
    }

    private int run(int loop, BlockOperation operation, int flags) {
        int[] result = {-1};
        loops.enter(loop, () -> {
            BlockRequest request = loops.loop(loop).requests().acquire();
            if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
                var buffer = loops.loop(loop).buffers().acquire(IoBufferPool.PAGE_BYTES);
                request.transfer(operation, 0, IoBufferPool.PAGE_BYTES, flags, buffer, 0);
            } else {
                request.command(operation, 0, 4096, flags);
            }
            request.push((done, errno) -> {
                if (done.buffer() != null) {
                    done.buffer().release();
                }
                done.recycle();
                result[0] = errno;
            });
            device.start(request);
        });
        loops.runUntilIdle();
        return result[0];
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.ENOMEM})
    void afterAFailedFlushEveryFlushFailsOnEveryLoop(int errno) {
        device.health().watch(told::add);
        plan.fail(BlockOperation.FLUSH, 1, errno);
        assertEquals(errno, run(0, BlockOperation.FLUSH, 0));
        long asked = plan.operations();
        assertEquals(Errno.EIO, run(0, BlockOperation.FLUSH, 0));
        assertEquals(Errno.EIO, run(1, BlockOperation.FLUSH, 0));
        assertEquals(asked, plan.operations(), "the device is not asked again");
        assertTrue(device.health().isFailed());
        assertEquals(List.of(device.health().failure()), told, "told once");
        assertTrue(told.getFirst().contains("FLUSH failed: " + Errno.name(errno)), told::toString);
    }

    @Test
    void readsAndWritesGoOnAndAFuaWriteSpeaksForItself() {
        plan.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        run(0, BlockOperation.FLUSH, 0);
        assertEquals(Errno.OK, run(0, BlockOperation.READ, 0));
        assertEquals(Errno.OK, run(0, BlockOperation.WRITE, 0));
        assertEquals(Errno.OK, run(0, BlockOperation.WRITE, BlockRequest.FUA));
    }

    @Test
    void aFailedWriteWithFuaCountsAndOneWithoutDoesNot() {
        plan.fail(BlockOperation.WRITE, 1, Errno.EIO);
        assertEquals(Errno.EIO, run(0, BlockOperation.WRITE, 0));
        assertEquals(Errno.OK, run(0, BlockOperation.FLUSH, 0), "who wrote was told, and nothing answered is lost");
        plan.heal();
        plan.fail(BlockOperation.WRITE, 1, Errno.EIO);
        assertEquals(Errno.EIO, run(0, BlockOperation.WRITE, BlockRequest.FUA));
        assertEquals(Errno.EIO, run(0, BlockOperation.FLUSH, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENOSPC, Errno.EDQUOT, Errno.EROFS, Errno.EINVAL, Errno.EOPNOTSUPP})
    void aWriteWithFuaThatWasRefusedLosesNothing(int errno) {
        plan.fail(BlockOperation.WRITE, 1, errno);
        assertEquals(errno, run(0, BlockOperation.WRITE, BlockRequest.FUA));
        assertEquals(Errno.OK, run(0, BlockOperation.FLUSH, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENOSPC, Errno.EDQUOT})
    void inThePageCacheItMayBeAnsweredWritesThatFoundNoSpace(int errno) {
        DeviceHealth health = new DeviceHealth("a file", true);
        health.wroteThrough(Errno.EROFS);
        assertFalse(health.isFailed());
        health.wroteThrough(errno);
        assertTrue(health.isFailed());
    }

    @Test
    void aDeviceThatIsShutDownHasLostNothing() {
        plan.fail(BlockOperation.FLUSH, 1, Errno.ESHUTDOWN);
        assertEquals(Errno.ESHUTDOWN, run(0, BlockOperation.FLUSH, 0));
        assertFalse(device.health().isFailed());
    }

    @Test
    void aFlushThatEndsAfterAnotherHasFailedFailsToo() {
        // The kernel tells one of two that flush at once: the other one's success says nothing.
        SimulatedDisk disk = new SimulatedDisk(1 << 20);
        List<BlockRequest> held = new ArrayList<>();
        BlockDevice watched = WatchedDevice.over(new BlockDevice() {
            @Override
            public BlockGeometry geometry() {
                return disk.geometry();
            }

            @Override
            public void submit(BlockRequest request) {
                held.add(request);
            }

            @Override
            public void close() {}
        });
        List<Integer> answers = new ArrayList<>();
        loops.enter(0, () -> {
            for (int i = 0; i < 2; i++) {
                BlockRequest flush = loops.loop(0).requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
                flush.push((done, errno) -> {
                    answers.add(errno);
                    done.recycle();
                });
                watched.start(flush);
            }
            held.get(0).complete(Errno.EIO);
            held.get(1).complete(Errno.OK);
        });
        assertEquals(List.of(Errno.EIO, Errno.EIO), answers);
    }

    @Test
    void allWhoUseADeviceShareItsHealth() {
        assertNotSame(faulty, device);
        assertSame(device, WatchedDevice.over(device));
        plan.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        run(0, BlockOperation.FLUSH, 0);
        WatchedDevice.over(device).health().watch(told::add);
        assertEquals(1, told.size(), "who comes later is told at once");
    }

    /** The device was not asked: it has not said that it has lost anything. */
    @Test
    void whatTheDeviceWasNeverAskedForIsNotHeldAgainstIt() {
        plan.fail(BlockOperation.FLUSH, 1, Errno.ECANCELED);
        assertEquals(Errno.ECANCELED, run(0, BlockOperation.FLUSH, 0));
        assertEquals(Errno.OK, run(1, BlockOperation.FLUSH, 0));
        plan.fail(BlockOperation.WRITE, 1, Errno.ECANCELED);
        assertEquals(Errno.ECANCELED, run(0, BlockOperation.WRITE, BlockRequest.FUA));
        assertEquals(Errno.OK, run(1, BlockOperation.FLUSH, 0));
    }

    /** The kernel has told of it, and tells no more. */
    @Test
    void aFailedFlushIsRememberedAlsoIfNobodyCanSayWhy() {
        DeviceHealth nameless = new DeviceHealth(new Object() {
            @Override
            public String toString() {
                throw new OutOfMemoryError("for a name");
            }
        });
        List<String> hear = new ArrayList<>();
        nameless.watch(hear::add);
        nameless.flushed(Errno.EIO);
        assertTrue(nameless.isFailed());
        assertEquals(List.of(nameless.failure()), hear);
        assertFalse(nameless.failure().isEmpty());
    }
}
