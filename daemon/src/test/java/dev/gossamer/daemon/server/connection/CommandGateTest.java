package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.rate.RateTurn;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What counts at a volume's rates, and as what. */
class CommandGateTest {
    private static final IoRates ONE_WRITE = new IoRates(0, 0, 1, 0, 0, 0, 0);
    private static final IoRates ONE_READ = new IoRates(0, 1, 0, 0, 0, 0, 0);
    private static final IoRates FEW_WRITTEN = new IoRates(0, 0, 0, 0, 0, 64 << 10, 0);

    private final SimLoops loops = new SimLoops(3, 1, 1 << 20);
    private final RateGate rates = new RateGate();
    private final RateTurn turn = new RateTurn(rates, loops.loop(0), () -> {});
    private final CommandGate gate =
            new CommandGate(ConnectionLimits.DEFAULT, new LoopLoad(loops.loop(0)), new ConnectionCounters(), "a", turn);

    @AfterEach
    void close() {
        loops.close();
    }

    static NbdRequest command(int command, int flags, int lengthBytes) {
        ByteBuf header = Unpooled.buffer(NbdRequest.HEADER_BYTES);
        header.writeInt(NbdMagic.REQUEST).writeShort(flags).writeShort(command);
        header.writeLong(1).writeLong(0).writeInt(lengthBytes);
        header.skipBytes(Integer.BYTES);
        NbdRequest request = new NbdRequest();
        request.readFrom(header, false);
        return request;
    }

    /** How many of a command may begin one behind the other, at most 100. */
    private int begun(IoRates limits, NbdRequest command) {
        rates.set(IoRates.NONE);
        rates.set(limits);
        int begun = 0;
        while (begun < 100 && gate.mayBegin(command)) {
            begun++;
        }
        gate.leave();
        return begun;
    }

    @Test
    void readsAndWritesAreOperations() {
        for (int write : new int[] {NbdCommand.WRITE, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES}) {
            assertEquals(1, begun(ONE_WRITE, command(write, 0, 4096)), "command " + write);
            assertEquals(100, begun(ONE_READ, command(write, 0, 4096)), "command " + write);
        }
        for (int read : new int[] {NbdCommand.READ, NbdCommand.CACHE}) {
            assertEquals(1, begun(ONE_READ, command(read, 0, 4096)), "command " + read);
            assertEquals(100, begun(ONE_WRITE, command(read, 0, 4096)), "command " + read);
        }
    }

    @Test
    void bytesAreThoseThatMove() {
        assertEquals(1, begun(FEW_WRITTEN, command(NbdCommand.WRITE, 0, 1 << 20)));
        assertEquals(1, begun(FEW_WRITTEN, command(NbdCommand.WRITE_ZEROES, NbdFlags.CMD_NO_HOLE, -1)));
        assertEquals(100, begun(FEW_WRITTEN, command(NbdCommand.WRITE_ZEROES, 0, -1)));
        assertEquals(100, begun(FEW_WRITTEN, command(NbdCommand.TRIM, 0, -1)));
        assertEquals(100, begun(FEW_WRITTEN, command(NbdCommand.READ, 0, 1 << 20)));
    }

    @Test
    void flushAndStatusAndWhatIsEmptyAreNotCounted() {
        IoRates few = new IoRates(1, 0, 0, 64 << 10, 0, 0, 0);
        assertEquals(100, begun(few, command(NbdCommand.FLUSH, 0, 0)));
        assertEquals(100, begun(few, command(NbdCommand.WRITE, NbdFlags.CMD_FUA, 0)));
        assertEquals(100, begun(few, command(NbdCommand.BLOCK_STATUS, 0, 1 << 20)));
    }

    @Test
    void onlyWhatWasPaidIsGivenBack() {
        rates.set(new IoRates(1, 0, 0, 0, 0, 0, 0));
        NbdRequest read = command(NbdCommand.READ, 0, 4096);
        assertTrue(gate.mayBegin(read));
        assertFalse(gate.notBegun(read));
        assertTrue(gate.mayBegin(read), "it has used nothing");
        NbdRequest status = command(NbdCommand.BLOCK_STATUS, 0, 4096);
        assertTrue(gate.mayBegin(status));
        assertFalse(gate.notBegun(status));
        assertFalse(gate.mayBegin(read), "the read before has been paid");
        assertTrue(gate.isInLine());
        loops.advance(1_000_000_000L);
        assertFalse(gate.isInLine());
        assertTrue(gate.mayBegin(read));
    }
}
