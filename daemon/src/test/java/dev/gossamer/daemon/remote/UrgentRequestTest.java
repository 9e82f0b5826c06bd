package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** An urgent request among others that have taken all that there is, to a server that does not answer those. */
class UrgentRequestTest extends OneServerTest {
    private static final int URGENT_AT = SIZE_BYTES - 4096;

    /** In the order in which the server has seen them. */
    private final ConcurrentLinkedQueue<Long> seen = new ConcurrentLinkedQueue<>();

    private static Io urgentWrite(int value) {
        return Io.write(URGENT_AT, filled(4096, value), BlockRequest.FUA | BlockRequest.URGENT);
    }

    private void answerOnlyTheUrgent() {
        server.setRule((command, flags, offset, length) -> {
            seen.add(offset);
            return offset == URGENT_AT || command == NbdCommand.FLUSH ? NbdError.OK : VolatileServer.SILENCE;
        });
    }

    private void assertOnlyTheUrgentIsAnswered(RemoteSettings settings, List<Io> others) throws Exception {
        answerOnlyTheUrgent();
        TestIo io = rig.io(rig.open(server.uri(), settings), 0);
        List<Io> all = new ArrayList<>(others);
        Io write = urgentWrite(9);
        all.add(write);
        io.runTogether(all);
        others.forEach(other -> assertEquals(Errno.EIO, other.errno, "nothing but patience ends it"));
        assertEquals(Errno.OK, write.errno);
    }

    @Test
    void itOvertakesTheLineAndPassesTheLimitOfCommands() throws Exception {
        RemoteSettings few = new RemoteSettings(1_500, 1_500, 20, 200, 5_000, 4, 32 << 20, 64 << 20, 1);
        List<Io> reads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            reads.add(Io.read(i * 4096L, 4096));
        }
        assertOnlyTheUrgentIsAnswered(few, reads);
        assertEquals(4, List.copyOf(seen).indexOf((long) URGENT_AT), "after those that were under way");
    }

    @Test
    void itPassesTheLimitOfBytes() throws Exception {
        RemoteSettings small = new RemoteSettings(1_500, 1_500, 20, 200, 5_000, 128, 1 << 20, 64 << 20, 1);
        assertOnlyTheUrgentIsAnswered(small, List.of(Io.read(0, 1 << 20), Io.read(1 << 20, 1 << 20)));
    }

    @Test
    void onAServerWithoutFuaTheFlushThatFollowsIsUrgentToo() throws Exception {
        server.withFlags(NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH);
        RemoteSettings few = new RemoteSettings(1_500, 1_500, 20, 200, 5_000, 4, 32 << 20, 64 << 20, 1);
        List<Io> reads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            reads.add(Io.read(i * 4096L, 4096));
        }
        assertOnlyTheUrgentIsAnswered(few, reads);
    }

    /** What is under way cannot be overtaken: on a slow way it must not be much. */
    @Test
    void ofAServerThatHasNotAnsweredYetLittleIsAskedAtOnce() throws Exception {
        List<Io> reads = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            reads.add(Io.read(i % 3 << 20, 1 << 20));
        }
        assertOnlyTheUrgentIsAnswered(
                new RemoteSettings(1_500, 1_500, 20, 200, 5_000, 128, 32 << 20, 64 << 20, 1), reads);
        int before = List.copyOf(seen).indexOf((long) URGENT_AT);
        assertTrue(before <= SendWindow.LEAST_BYTES >> 20, () -> before + " MiB were under way");
    }

    /** Nothing overtakes a piece either. */
    @Test
    void longRequestsTravelInPieces() throws Exception {
        List<Integer> lengths = new ArrayList<>();
        server.setRule((command, flags, offset, length) -> {
            if (command == NbdCommand.READ || command == NbdCommand.WRITE) {
                lengths.add(length);
            }
            return NbdError.OK;
        });
        TestIo io = rig.io(rig.open(server.uri(), RemoteRig.PATIENT), 0);
        byte[] data = filled(3 << 20, 5);
        io.write(4096, data);
        assertArrayEquals(data, io.read(4096, data.length));
        assertEquals(Errno.OK, io.command(BlockOperation.FLUSH, 0, 0, 0));
        assertTrue(lengths.stream().allMatch(length -> length <= 1 << 20), lengths::toString);
    }
}
