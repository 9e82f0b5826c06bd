package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.rate.RateTurn;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.nbd.wire.NbdCommand;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Exports on one loop, before a disk that serves one command after the other. */
class ExportSharesTest {
    private final SimLoops loops = new SimLoops(5, 1, 1 << 20);
    private final LoopLoad load = new LoopLoad(loops.loop(0));
    private final ArrayDeque<Client> disk = new ArrayDeque<>();
    private final Map<String, Integer> served = new TreeMap<>();

    /** A connection that wants so many commands under way at all times. */
    private final class Client {
        final String export;
        final int depth;
        final CommandGate gate;
        int underWay;

        Client(String export, int depth) {
            this.export = export;
            this.depth = depth;
            RateTurn turn = new RateTurn(new RateGate(), loops.loop(0), () -> {});
            gate = new CommandGate(ConnectionLimits.DEFAULT, load, new ConnectionCounters(), export, turn);
        }

        void goOn() {
            while (underWay < depth && gate.mayBegin(CommandGateTest.command(NbdCommand.READ, 0, 4096))) {
                gate.change(1);
                underWay++;
                disk.add(this);
            }
        }

        void endsOne() {
            gate.change(-1);
            underWay--;
            served.merge(export, 1, Integer::sum);
        }

        void ended() {
            endsOne();
            goOn();
        }
    }

    @AfterEach
    void close() {
        loops.close();
    }

    private List<Client> clients(String export, int count, int depth) {
        List<Client> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            made.add(new Client(export, depth));
            made.getLast().goOn();
        }
        return made;
    }

    /** What each has had of so many commands, once those that were there first have gone. */
    private void serve(int commands) {
        for (int i = 0; i < 2 * commands; i++) {
            if (i == commands) {
                served.clear();
            }
            disk.remove().ended();
        }
    }

    @Test
    void sixteenConnectionsHaveNoMoreThanOne() {
        clients("a", 16, 64);
        assertEquals(1024, disk.size(), "alone it may have all it asks for");
        for (String other : List.of("b", "c", "d")) {
            clients(other, 1, 64);
        }
        serve(20_000);
        for (String export : List.of("a", "b", "c", "d")) {
            int part = served.get(export);
            assertTrue(part >= 0.8 * 20_000 / 4, export + " of 20 000: " + served);
        }
    }

    /** What is not asked for is not kept free: the disk has enough to do at all times. */
    @Test
    void whatOneDoesNotAskForIsTheOthers() {
        List<Client> many = clients("a", 16, 64);
        clients("b", 1, 1);
        serve(20_000);
        assertTrue(served.get("a") > 19_800, served.toString());
        assertTrue(disk.size() >= ExportShares.COMMANDS - 1, "only " + disk.size() + " under way");
        assertTrue(many.stream().allMatch(client -> client.underWay > 0));
    }

    /** As a disk may be that answers all it has at once: whoever comes first must not take everything. */
    @Test
    void aDiskThatWorksInStepIsSharedAsWell() {
        clients("a", 16, 64);
        for (String other : List.of("b", "c", "d")) {
            clients(other, 1, 64);
        }
        for (int step = 0; step < 200; step++) {
            List<Client> answered = new ArrayList<>(disk);
            disk.clear();
            if (step == 100) {
                served.clear();
            }
            answered.forEach(Client::endsOne);
            answered.stream().distinct().forEach(Client::goOn);
        }
        int all = served.values().stream().mapToInt(count -> count).sum();
        served.forEach((export, count) -> assertTrue(count >= 0.8 * all / 4, export + " of " + all + ": " + served));
    }

    /** Two that ask for more than there is have the same, whatever a third leaves. */
    @Test
    void whatIsLeftIsSharedToo() {
        clients("a", 16, 64);
        clients("b", 2, 128);
        clients("c", 1, 10);
        serve(20_000);
        assertTrue(served.get("c") >= 0.9 * 20_000 * 10 / ExportShares.COMMANDS, served.toString());
        assertTrue(served.get("b") >= 0.9 * served.get("a"), served.toString());
    }

    /** Each connection has one all the same: it would have nothing to go on after. */
    @Test
    void aConnectionsFirstCommandAlwaysBegins() {
        clients("a", 4, 256);
        clients("b", 1, 1);
        List<Client> late = clients("a", 500, 8);
        assertTrue(late.stream().allMatch(client -> client.underWay == 1));
    }

    @Test
    void whoIsOverIsForgotten() {
        ExportShares shares = new ExportShares();
        ExportShares.Share one = shares.join("a");
        assertTrue(one == shares.join("a"));
        shares.leave(one);
        assertTrue(one == shares.join("a"));
        shares.leave(one);
        shares.leave(one);
        assertTrue(one != shares.join("a"));
    }
}
