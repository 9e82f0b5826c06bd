package dev.gossamer.it;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Connections that end badly, in a random way each: within the handshake, a header or a payload, with requests under
 * way and replies unread, by a close, a reset, half a close, or a lie. Everything that they do follows from the seed,
 * but for the order among the threads that do it.
 */
final class ClientStorm {
    private static final int THREADS = 4;
    private static final int KEPT_OPEN = 5;
    private static final int MAX_REQUESTS = 40;
    /** With all that are open together far below a loop's transfer memory: nobody here waits for a turn in it. */
    private static final int MAX_TRANSFER_BYTES = 256 << 10;

    private final List<SocketAddress> servers;
    private final String export;
    private final long regionBytes;

    /**
     * @param servers addresses of the same daemon
     * @param export what is written to, from its beginning
     * @param regionBytes as far as this
     */
    ClientStorm(List<SocketAddress> servers, String export, long regionBytes) {
        this.servers = servers;
        this.export = export;
        this.regionBytes = regionBytes;
    }

    /** Makes this many connections, from several threads, and returns when all have ended. */
    void rage(int connections, long seed) throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> ends = new ArrayList<>();
            SplittableRandom seeds = Seeds.splittable(seed);
            for (int i = 0; i < THREADS; i++) {
                SplittableRandom random = seeds.split();
                ends.add(threads.submit(() -> {
                    rage(connections / THREADS, random);
                    return null;
                }));
            }
            for (Future<?> end : ends) {
                end.get();
            }
        }
    }

    /** Some connections stay open beside the next ones, so that the end of one meets the work of others. */
    private void rage(int connections, SplittableRandom random) throws IOException {
        List<NbdConnection> open = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            NbdConnection victim = NbdConnection.connect(servers.get(random.nextInt(servers.size())));
            try {
                misbehave(victim, random);
            } catch (IOException closedByTheServer) {
                victim.close();
                continue;
            }
            open.add(victim);
            if (open.size() > KEPT_OPEN) {
                end(open.remove(random.nextInt(open.size())), random);
            }
        }
        for (NbdConnection last : open) {
            end(last, random);
        }
    }

    private void misbehave(NbdConnection victim, SplittableRandom random) throws IOException {
        int how = random.nextInt(10);
        if (how == 0) {
            return; // not a word
        }
        victim.greet();
        if (how == 1) {
            lieInHandshake(victim, random);
            return;
        }
        victim.go(export);
        sendRequests(victim, random);
        switch (how) {
            case 2 -> victim.write(ByteBuffer.wrap(new byte[1 + random.nextInt(27)])); // zeros are no magic
            case 3 -> cutWithinHeader(victim, random);
            case 4 -> cutWithinPayload(victim, random);
            case 5 -> lie(victim, random);
            case 6 -> victim.send(NbdConnection.DISCONNECT, 0, 0, 0, 0);
            case 7 -> victim.shutdownOutput();
            case 8 -> readSomeReplies(victim, random);
            default -> {} // requests under way, replies unread
        }
    }

    private static void lieInHandshake(NbdConnection victim, SplittableRandom random) throws IOException {
        victim.sendOptionHeader(random.nextInt(20), random.nextInt(3) == 0 ? Integer.MAX_VALUE : random.nextInt(300));
        victim.write(ByteBuffer.wrap(bytes(random, random.nextInt(200))));
    }

    private void sendRequests(NbdConnection victim, SplittableRandom random) throws IOException {
        int requests = random.nextInt(MAX_REQUESTS);
        for (int i = 0; i < requests; i++) {
            int length = 512 * (1 + random.nextInt(i % 8 == 0 ? MAX_TRANSFER_BYTES / 512 : 16));
            long offset = 512 * random.nextLong((regionBytes - length) / 512);
            int flags = random.nextInt(8) == 0 ? NbdConnection.FLAG_FUA : 0;
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> victim.sendWrite(flags, i, offset, bytes(random, length));
                case 3, 4 -> victim.send(NbdConnection.READ, 0, i, offset, length);
                case 5 -> victim.send(NbdConnection.FLUSH, 0, i, 0, 0);
                case 6 -> victim.send(NbdConnection.TRIM, flags, i, offset, length);
                default -> victim.send(NbdConnection.WRITE_ZEROES, flags, i, offset, length);
            }
        }
    }

    private static void cutWithinHeader(NbdConnection victim, SplittableRandom random) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(28)
                .putInt(NbdConnection.REQUEST_MAGIC)
                .putInt(NbdConnection.WRITE)
                .putLong(1)
                .putLong(0)
                .putInt(4096)
                .flip();
        victim.write(header.limit(1 + random.nextInt(27)));
    }

    private static void cutWithinPayload(NbdConnection victim, SplittableRandom random) throws IOException {
        int length = 4096 << random.nextInt(8);
        victim.sendHeader(NbdConnection.REQUEST_MAGIC, NbdConnection.WRITE, 0, 99, 0, length);
        victim.write(ByteBuffer.wrap(bytes(random, random.nextInt(length))));
    }

    /**
     * What a validator must refuse: beyond the end, too long, unknown, with flags that do not exist, or nothing at all.
     */
    private static void lie(NbdConnection victim, SplittableRandom random) throws IOException {
        int command = random.nextInt(12);
        int flags = random.nextInt(1 << 16);
        victim.send(command == NbdConnection.WRITE ? 300 : command, flags, 7, random.nextLong(), random.nextInt());
    }

    private static void readSomeReplies(NbdConnection victim, SplittableRandom random) throws IOException {
        victim.send(NbdConnection.READ, 0, 98, 0, 1 << 20);
        victim.read(1 + random.nextInt(16));
    }

    /** A reset is one on TCP; on a Unix socket it is a close with bytes unread. */
    private static void end(NbdConnection victim, SplittableRandom random) throws IOException {
        if (random.nextBoolean()) {
            victim.close();
        } else {
            victim.reset();
        }
    }

    private static byte[] bytes(SplittableRandom random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
