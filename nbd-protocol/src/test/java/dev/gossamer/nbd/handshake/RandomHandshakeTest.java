package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.clientFlags;
import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.metaData;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.wire.NbdOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A15: whatever a peer sends, nothing is thrown, nothing is left over, and the next peer is served. */
final class RandomHandshakeTest {
    private static final int CONNECTIONS = 10_000;

    @Test
    void randomOptionSequencesAreSurvived() {
        int entered = 0;
        for (int seed = 0; seed < CONNECTIONS; seed++) {
            try {
                entered += converse(Seeds.random(seed)) ? 1 : 0;
            } catch (Throwable failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
        assertTrue(entered > 100 && entered < CONNECTIONS, "entered transmission: " + entered);
    }

    private static boolean converse(Random random) {
        HandshakePeer peer = HandshakePeer.connect();
        peer.feed(clientFlags(random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(4)));
        int options = random.nextInt(12);
        for (int i = 0; i < options; i++) {
            byte[] option = randomOption(random);
            int end = random.nextInt(15) == 0 ? random.nextInt(option.length) : option.length;
            int cut = random.nextInt(end + 1);
            peer.feed(Arrays.copyOf(option, cut), Arrays.copyOfRange(option, cut, end));
        }
        peer.channel.checkException();
        peer.end();
        return peer.negotiated != null;
    }

    private static byte[] randomOption(Random random) {
        int number = random.nextInt(13);
        if (random.nextInt(4) == 0 && (number == NbdOption.INFO || number == NbdOption.GO)) {
            return option(number, infoData(random.nextBoolean() ? "vol" : "x", random.nextInt(5)));
        }
        boolean meta = number == NbdOption.LIST_META_CONTEXT || number == NbdOption.SET_META_CONTEXT;
        if (random.nextInt(4) > 0 && meta) {
            String[] queries = {"base:allocation", "base:", "x-thin:shared", "none", "qemu:", "a:b"};
            return option(number, metaData("vol", Arrays.copyOf(queries, random.nextInt(queries.length + 1))));
        }
        byte[] data = new byte[random.nextInt(3) == 0 ? 0 : random.nextInt(65)];
        random.nextBytes(data);
        byte[] option = option(number, data);
        if (random.nextInt(30) == 0) {
            option[random.nextInt(option.length)] ^= (byte) (1 << random.nextInt(8));
        }
        return option;
    }
}
