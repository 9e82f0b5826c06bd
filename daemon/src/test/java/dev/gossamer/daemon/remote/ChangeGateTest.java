package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Whoever has a device is asked after each reconnect, before anything is repeated (OP-10). */
class ChangeGateTest extends OneServerTest {
    /** Decides about a new connection. */
    private interface Check {
        void check(BlockDevice through, ChangeGate.Verdict verdict);
    }

    private static final class TestGate implements ChangeGate {
        private final AtomicInteger checks = new AtomicInteger();
        private volatile boolean changes = true;
        private volatile boolean bug;
        private volatile Check check = (through, verdict) -> verdict.pass();

        @Override
        public boolean mayChange(long offsetBytes) {
            if (bug) {
                throw new AssertionError("a bug");
            }
            return changes;
        }

        @Override
        public void check(BlockDevice through, Verdict verdict) {
            checks.incrementAndGet();
            check.check(through, verdict);
        }
    }

    private final ConcurrentLinkedQueue<Integer> commands = new ConcurrentLinkedQueue<>();
    private final TestGate gate = new TestGate();

    private NbdClientDevice open(RemoteSettings settings) throws Exception {
        NbdClientDevice device = NbdClientDevice.open(
                NbdUri.parse(server.uri()), OpenOptions.READ_WRITE, rig.loops(), 2, settings, gate);
        rig.add(device);
        return device;
    }

    /** From now on the server's commands are noted. */
    private void restartNoting() throws Exception {
        restart(() -> {
            commands.clear();
            server.setRule((command, flags, offset, length) -> {
                commands.add(command);
                return NbdError.OK;
            });
        });
    }

    private void readThrough(BlockDevice through, long offset, java.util.function.BiConsumer<Integer, Byte> then) {
        IoBuffer buffer = rig.loops().loop(0).buffers().acquire(4096);
        BlockRequest read = rig.loops().loop(0).requests().acquire();
        read.transfer(BlockOperation.READ, offset, 4096, 0, buffer, 0);
        read.push((done, errno) -> {
            byte first = buffer.bytes().get(0);
            buffer.release();
            done.recycle();
            then.accept(errno, first);
        });
        through.submit(read);
    }

    @Test
    void nothingIsRepeatedAndEverythingFailsWhenTheDeviceIsSomebodyElses() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo first = rig.io(device, 0);
        TestIo second = rig.io(device, 1);
        first.write(0, filled(8192, 1));
        second.write(8192, filled(4096, 2));
        gate.check = (through, verdict) -> verdict.refuse("it is another's");
        restartNoting();
        byte[] before = server.stable();
        assertEquals(Errno.EIO, first.run(Io.read(0, 4096)));
        assertEquals(Errno.EIO, second.run(Io.write(0, filled(4096, 3), 0)));
        assertEquals(Errno.EIO, second.command(BlockOperation.FLUSH, 0, 0, 0));
        assertTrue(commands.isEmpty(), () -> "sent all the same: " + commands);
        assertArrayEquals(before, server.stable());
        assertEquals(1, gate.checks.get());
    }

    @Test
    void theCheckSeesTheServerAsItIsBeforeAnythingIsRepeated() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo io = rig.io(device, 1);
        io.write(0, filled(4096, 7));
        ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
        gate.check = (through, verdict) -> readThrough(through, 0, (errno, value) -> {
            seen.add(Errno.name(errno) + " " + value);
            verdict.pass();
        });
        restartNoting();
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        assertEquals("OK 0", seen.peek());
        assertEquals(NbdCommand.READ, commands.peek(), "the check's own");
    }

    @Test
    void whatCannotBeToldNowIsAskedAgainOnAnotherConnection() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        gate.check = (through, verdict) -> {
            if (gate.checks.get() < 3) {
                verdict.later("not yet");
                readThrough(through, 0, (errno, value) -> assertEquals(Errno.EIO, errno, "that connection is gone"));
            } else {
                verdict.pass();
            }
        };
        restartNoting();
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        assertEquals(3, gate.checks.get());
    }

    @Test
    void aConnectionThatDiesUnderTheCheckEndsItsReads() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        ConcurrentLinkedQueue<Integer> ends = new ConcurrentLinkedQueue<>();
        gate.check = (through, verdict) -> readThrough(through, 0, (errno, value) -> {
            ends.add(errno);
            if (errno == Errno.OK) {
                verdict.pass();
            } else {
                verdict.later("lost again");
            }
        });
        AtomicInteger hangUps = new AtomicInteger(2);
        restartNoting();
        server.setRule((command, flags, offset, length) ->
                command == NbdCommand.READ && hangUps.getAndDecrement() > 0 ? VolatileServer.HANG_UP : NbdError.OK);
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        assertTrue(ends.contains(Errno.EIO) && ends.contains(Errno.OK), ends::toString);
    }

    @Test
    void aChangeInDoubtIsSentOnlyAfterACheckAndReadsGoOn() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo io = rig.io(device, 0);
        io.write(0, filled(4096, 7));
        gate.changes = false;
        assertArrayEquals(filled(4096, 7), io.read(0, 4096));
        assertEquals(0, gate.checks.get());
        gate.check = (through, verdict) -> {
            gate.changes = true;
            verdict.pass();
        };
        io.write(0, filled(4096, 8));
        assertEquals(1, gate.checks.get());
        assertArrayEquals(filled(4096, 8), io.read(0, 4096));
    }

    @Test
    void aBugInTheLinkEndsItsRequestsAndBreaksTheDeviceForGood() throws Exception {
        NbdClientDevice device = open(RemoteRig.PATIENT);
        TestIo first = rig.io(device, 0);
        TestIo second = rig.io(device, 1);
        first.write(0, filled(8192, 1));
        gate.bug = true;
        assertEquals(Errno.EIO, second.run(Io.write(8192, filled(4096, 2), 0)));
        gate.bug = false;
        assertEquals(Errno.EIO, first.command(BlockOperation.FLUSH, 0, 0, 0), "what was answered may be lost");
        assertEquals(Errno.EIO, first.run(Io.read(0, 4096)));
        assertEquals(Errno.EIO, second.run(Io.write(0, filled(4096, 3), 0)));
        device.close();
        assertEquals(0, device.keptBytes(), "memory of what was kept is given back");
    }
}
