package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that go away, come back, and have forgotten what nobody had flushed (C5, A71, U21). */
class ReconnectTest extends OneServerTest {
    private static final int SECTOR = 4096;

    @Test
    void answeredWritesSurviveAServerThatForgetsThem() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.PATIENT);
        TestIo first = rig.io(device, 0);
        TestIo second = rig.io(device, 1);
        first.write(0, filled(8192, 1));
        second.write(4096, filled(8192, 2)); // overlaps, and comes later, on another connection
        assertEquals(Errno.OK, first.command(BlockOperation.WRITE_ZEROES, 8192, 4096, 0));
        restart();
        assertArrayEquals(filled(4096, 1), second.read(0, 4096));
        assertArrayEquals(filled(4096, 2), first.read(4096, 4096));
        assertArrayEquals(new byte[4096], second.read(8192, 4096));
        second.flush();
        server.crash();
        assertArrayEquals(filled(4096, 2), Arrays.copyOfRange(server.stable(), 4096, 8192), "after FLUSH it is stable");
        server.start();
        assertArrayEquals(filled(4096, 2), first.read(4096, 4096));
    }

    @Test
    void requestsWaitForTheServerToComeBack() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.PATIENT);
        TestIo io = rig.io(device, 1);
        io.write(0, filled(4096, 7));
        server.crash();
        Thread later = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(200);
                server.start();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        later.join();
    }

    @Test
    void patienceEndsWithEioAndTheServersReturnIsNoticed() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.IMPATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        server.crash();
        List<Io> inVain = List.of(
                Io.read(0, 4096), Io.write(4096, filled(4096, 8), 0), Io.command(BlockOperation.FLUSH, 0, 0, 0));
        io.runTogether(inVain);
        inVain.forEach(request -> assertEquals(Errno.EIO, request.errno, request::toString));
        Thread.sleep(2 * RemoteRig.IMPATIENT.patienceMillis()); // nobody wants anything: attempts end
        server.start();
        assertArrayEquals(filled(4096, 7), io.read(0, 4096), "kept all the time");
        io.flush();
        assertEquals(7, server.stable()[0]);
    }

    @Test
    void aServerThatDoesNotAnswerIsLeft() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.IMPATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        server.setRule((command, flags, offset, length) ->
                command == NbdCommand.READ && offset == 4096 ? VolatileServer.SILENCE : NbdError.OK);
        assertEquals(Errno.EIO, io.run(Io.read(4096, 4096)));
        assertArrayEquals(filled(4096, 7), io.read(0, 4096), "over a new connection");
        assertTrue(server.accepted() > 1);
    }

    @Test
    void aCommandThatKillsItsServerIsNotSentForEver() throws Exception {
        AtomicInteger killed = new AtomicInteger();
        server.setRule((command, flags, offset, length) -> {
            if (command != NbdCommand.READ || offset != 4096) {
                return NbdError.OK;
            }
            killed.incrementAndGet();
            return VolatileServer.HANG_UP;
        });
        RemoteSettings settings = new RemoteSettings(60_000, 60_000, 1, 5, 10_000, 128, 32 << 20, 64 << 20, 5);
        NbdClientDevice device = rig.open(server.uri(), settings);
        TestIo io = rig.io(device, 0);
        assertEquals(Errno.EIO, io.run(Io.read(4096, 4096)));
        assertEquals(settings.attempts(), killed.get());
        io.read(0, 4096);
    }

    @Test
    void aServerThatShutsDownIsAskedAgainLater() throws Exception {
        AtomicInteger refusals = new AtomicInteger(3);
        server.setRule(
                (command, flags, offset, length) -> refusals.getAndDecrement() > 0 ? NbdError.ESHUTDOWN : NbdError.OK);
        TestIo io = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        io.write(0, filled(4096, 5));
        assertArrayEquals(filled(4096, 5), io.read(0, 4096));
        assertEquals(4, server.accepted());
    }

    @Test
    void errorsOfTheServerReachTheCaller() throws Exception {
        AtomicReference<Integer> error = new AtomicReference<>(NbdError.OK);
        server.setRule((command, flags, offset, length) -> error.get());
        TestIo io = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 1);
        int[][] expected = {
            {NbdError.EPERM, Errno.EROFS},
            {NbdError.EIO, Errno.EIO},
            {NbdError.ENOMEM, Errno.ENOMEM},
            {NbdError.EINVAL, Errno.EINVAL},
            {NbdError.ENOSPC, Errno.ENOSPC},
            {NbdError.EOVERFLOW, Errno.EIO},
            {NbdError.ENOTSUP, Errno.EOPNOTSUPP},
            {77, Errno.EINVAL}
        };
        io.read(0, 4096);
        for (int[] pair : expected) {
            error.set(pair[0]);
            assertEquals(pair[1], io.run(Io.write(0, filled(4096, 1), 0)), "NBD error " + pair[0]);
            assertEquals(pair[1], io.run(Io.read(0, 4096)), "NBD error " + pair[0]);
            error.set(NbdError.OK);
            // A device whose flush has failed answers every later one itself.
            TestIo fresh = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
            error.set(pair[0]);
            assertEquals(pair[1], fresh.command(BlockOperation.FLUSH, 0, 0, 0), "NBD error " + pair[0]);
        }
        assertTrue(server.accepted() <= 2 + expected.length, "an error is no reason to reconnect");
    }

    @Test
    void aSmallerExportIsRefusedAndALargerOneIsSeen() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.IMPATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        io.flush();
        server.crash();
        server.setSize(SIZE_BYTES / 2);
        server.start();
        assertEquals(Errno.EIO, io.run(Io.read(0, 4096)), "U22");
        assertEquals(SIZE_BYTES, device.sizeBytes());
        server.crash();
        server.setSize(2 * SIZE_BYTES);
        server.start();
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        assertEquals(2 * SIZE_BYTES, device.sizeBytes());
        io.write(SIZE_BYTES, filled(4096, 9));
    }

    @Test
    void writesThatCannotBeRepeatedMakeFlushesFailForGood() throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.PATIENT);
        TestIo io = rig.io(device, 0);
        TestIo other = rig.io(device, 1);
        io.write(0, filled(4096, 7));
        server.crash();
        server.setRule((command, flags, offset, length) -> command == NbdCommand.WRITE ? NbdError.ENOSPC : NbdError.OK);
        server.start();
        assertArrayEquals(new byte[4096], io.read(0, 4096), "the write is gone");
        server.setRule((command, flags, offset, length) -> NbdError.OK);
        assertEquals(Errno.EIO, io.command(BlockOperation.FLUSH, 0, 0, 0));
        assertEquals(Errno.EIO, other.command(BlockOperation.FLUSH, 0, 0, 0), "everybody has to learn of it");
        assertEquals(Errno.EIO, io.command(BlockOperation.FLUSH, 0, 0, 0), "again");
        io.write(4096, filled(4096, 8));
        device.close();
        TestIo anew = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        anew.flush();
    }

    /** What was zeroed in no time may take some after a crash; it was answered, and has to be zero all the same. */
    @Test
    void fastZeroingThatWasAnsweredIsRepeatedWhetherItIsFastOrNot() throws Exception {
        server.close();
        server = new VolatileServer(directory.resolve("nbd.sock"), SIZE_BYTES)
                .withFlags(
                        NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH | NbdFlags.SEND_WRITE_ZEROES | NbdFlags.SEND_FAST_ZERO)
                .start();
        TestIo io = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        io.write(0, filled(4096, 7));
        io.flush();
        assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 0, 4096, BlockRequest.FAST_ZERO));
        server.crash();
        server.setRule((command, flags, offset, length) ->
                (flags & NbdFlags.CMD_FAST_ZERO) == 0 ? NbdError.OK : NbdError.ENOTSUP);
        server.start();
        assertArrayEquals(new byte[4096], io.read(0, 4096));
        io.flush();
        assertEquals(0, server.stable()[0]);
        assertEquals(Errno.EOPNOTSUPP, io.command(BlockOperation.WRITE_ZEROES, 0, 4096, BlockRequest.FAST_ZERO));
    }

    @Test
    void forceUnitAccessIsHonouredWithAndWithoutTheServersHelp() throws Exception {
        NbdClientDevice rich = rig.open(server.uri(), RemoteRig.PATIENT);
        assertEquals(Errno.OK, rig.io(rich, 0).run(Io.write(0, filled(4096, 3), BlockRequest.FUA)));
        assertEquals(0, server.flushes(), "the flag travels");
        assertEquals(3, server.stable()[0]);
        rich.close();
        server.crash();
        server = new VolatileServer(directory.resolve("nbd.sock"), SIZE_BYTES)
                .withFlags(NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH)
                .start();
        TestIo poor = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        assertEquals(Errno.OK, poor.run(Io.write(0, filled(4096, 4), BlockRequest.FUA)));
        assertEquals(1, server.flushes(), "a FLUSH follows");
        assertEquals(4, server.stable()[0]);
    }

    /**
     * A write with FUA is stable by itself; but an earlier one of the same range is repeated, and it must come after.
     */
    @Test
    void aRepeatedWriteDoesNotUndoALaterOneWithFua() throws Exception {
        TestIo io = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        io.write(0, filled(8192, 1));
        assertEquals(Errno.OK, io.run(Io.write(0, filled(4096, 2), BlockRequest.FUA)));
        restart();
        assertArrayEquals(filled(4096, 2), io.read(0, 4096));
        assertArrayEquals(filled(4096, 1), io.read(4096, 4096));
    }

    @Test
    void connectionsAreOnePerLoopWhereAllowedElseOneInAll() throws Exception {
        NbdClientDevice several = rig.open(server.uri(), RemoteRig.PATIENT);
        rig.io(several, 0).write(0, filled(4096, 1));
        rig.io(several, 1).write(4096, filled(4096, 2));
        assertEquals(2, server.open());
        several.close();
        server.crash();
        server = new VolatileServer(directory.resolve("nbd.sock"), SIZE_BYTES).start();
        NbdClientDevice single = rig.open(server.uri(), RemoteRig.PATIENT);
        rig.io(single, 0).write(0, filled(4096, 1));
        rig.io(single, 1).write(4096, filled(4096, 2));
        assertEquals(1, server.accepted());
    }

    @Test
    void aDeviceHasNoMoreConnectionsThanItMay() throws Exception {
        NbdClientDevice device = NbdClientDevice.open(
                NbdUri.parse(server.uri()), OpenOptions.READ_WRITE, rig.loops(), 1, RemoteRig.PATIENT, ChangeGate.OPEN);
        rig.add(device);
        rig.io(device, 0).write(0, filled(4096, 1));
        rig.io(device, 1).write(4096, filled(4096, 2));
        assertArrayEquals(filled(4096, 2), rig.io(device, 0).read(4096, 4096));
        assertEquals(1, device.connections());
        assertEquals(1, server.accepted());
    }

    @Test
    void aLoopThatGetsNoConnectionUsesTheFirstOnes() throws Exception {
        server.withConnectionLimit(1);
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.PATIENT);
        TestIo second = rig.io(device, 1);
        second.write(0, filled(4096, 1));
        assertArrayEquals(filled(4096, 1), rig.io(device, 0).read(0, 4096));
        second.flush();
        assertEquals(2, server.accepted());
        restart();
        assertArrayEquals(filled(4096, 1), second.read(0, 4096));
    }

    @Test
    void keptWritesAreBoundedByFlushesOfTheDevicesOwn() throws Exception {
        RemoteSettings small = new RemoteSettings(60_000, 60_000, 20, 100, 10_000, 128, 1 << 20, 256 << 10, 100);
        TestIo io = rig.io(rig.open(server.uri(), small), 0);
        for (int round = 0; round < 8; round++) {
            List<Io> writes = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                writes.add(Io.write(i * 8192L, filled(8192, round), 0));
            }
            io.runTogether(writes);
            writes.forEach(write -> assertEquals(Errno.OK, write.errno));
        }
        // 4 MiB were written, and no more than 256 KiB and what was in flight may be kept at any time.
        assertTrue(server.flushes() >= 4, () -> "flushes: " + server.flushes());
    }

    /** Two loops write, flush and read; the server crashes again and again and forgets what it may. Nothing is lost. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingAnsweredIsLostInAStormOfCrashes(long seed) throws Exception {
        NbdClientDevice device = rig.open(server.uri(), RemoteRig.PATIENT);
        AtomicInteger commands = new AtomicInteger();
        SplittableRandom fate = Seeds.splittable(seed);
        AtomicInteger crashAt = new AtomicInteger(50);
        Queue<Thread> restarts = new ConcurrentLinkedQueue<>();
        server.setRule((command, flags, offset, length) -> {
            if (commands.incrementAndGet() < crashAt.get()) {
                return NbdError.OK;
            }
            crashAt.set(commands.get() + 20 + fate.nextInt(200));
            restarts.add(Thread.ofVirtual().start(() -> {
                try {
                    restart();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }));
            return VolatileServer.HANG_UP;
        });
        List<Thread> writers = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        byte[][] models = new byte[2][];
        for (int loop = 0; loop < 2; loop++) {
            int mine = loop;
            writers.add(Thread.ofPlatform().start(() -> {
                try {
                    models[mine] = writeAndCheck(rig.io(device, mine), mine, seed);
                } catch (Throwable e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                }
            }));
        }
        for (Thread writer : writers) {
            writer.join();
        }
        for (Thread restart : restarts) {
            restart.join();
        }
        assertEquals(List.of(), failures, "seed " + seed);
        assertTrue(server.accepted() > 6, () -> "connections: " + server.accepted());
        server.setRule((command, flags, offset, length) -> NbdError.OK);
        TestIo io = rig.io(device, 0);
        io.flush();
        byte[] stable = server.stable();
        for (int loop = 0; loop < 2; loop++) {
            int from = loop * SIZE_BYTES / 2;
            assertArrayEquals(models[loop], Arrays.copyOfRange(stable, from, from + SIZE_BYTES / 2), "seed " + seed);
        }
    }

    /** Each loop has its half of the device and a model of it. */
    private static byte[] writeAndCheck(TestIo io, int half, long seed) throws Exception {
        SplittableRandom random = Seeds.splittable(seed * 31 + half);
        byte[] model = new byte[SIZE_BYTES / 2];
        long base = (long) half * model.length;
        for (int step = 0; step < 400; step++) {
            int sectors = 1 + random.nextInt(8);
            int offset = random.nextInt(model.length / SECTOR - sectors) * SECTOR;
            int length = sectors * SECTOR;
            switch (random.nextInt(8)) {
                case 0 -> io.flush();
                case 1, 2 -> assertArrayEquals(
                        Arrays.copyOfRange(model, offset, offset + length), io.read(base + offset, length));
                case 3 -> {
                    assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, base + offset, length, 0));
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                }
                default -> {
                    byte[] data = filled(length, random.nextInt(256));
                    int flags = random.nextInt(8) == 0 ? BlockRequest.FUA : 0;
                    assertEquals(Errno.OK, io.run(Io.write(base + offset, data, flags)));
                    System.arraycopy(data, 0, model, offset, length);
                }
            }
        }
        return model;
    }
}
