package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A client that writes at random places of a region that is its own and reads at others, and compares with what it has
 * written, in a thread of its own until it is finished.
 */
final class VerifyingClient {
    private static final int MAX_TRANSFER_BYTES = 64 << 10;

    private final NbdConnection connection;
    private final long regionOffset;
    private final byte[] model;
    private final SplittableRandom random;
    private final Thread thread;
    private volatile boolean finishing;
    private Throwable failure; // likewise
    private volatile long operations; // counted by the thread alone

    private VerifyingClient(NbdConnection connection, long regionOffset, int regionBytes, long seed) {
        this.connection = connection;
        this.regionOffset = regionOffset;
        this.model = new byte[regionBytes];
        this.random = Seeds.splittable(seed);
        this.thread = Thread.ofPlatform().daemon().unstarted(this::run);
    }

    /** Starts on a region that reads as zeros. */
    static VerifyingClient start(SocketAddress server, String export, long regionOffset, int regionBytes, long seed)
            throws IOException {
        VerifyingClient client =
                new VerifyingClient(NbdConnection.open(server, export), regionOffset, regionBytes, seed);
        client.thread.start();
        return client;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes it.
    private void run() {
        try {
            while (!finishing) {
                byte[] data = new byte[1 + random.nextInt(MAX_TRANSFER_BYTES)];
                random.nextBytes(data);
                int at = random.nextInt(model.length - data.length);
                connection.writeNow(regionOffset + at, data);
                System.arraycopy(data, 0, model, at, data.length);
                int length = 1 + random.nextInt(MAX_TRANSFER_BYTES);
                verify(random.nextInt(model.length - length), length);
                operations = operations + 2;
            }
            for (int at = 0; at < model.length; at += MAX_TRANSFER_BYTES) {
                verify(at, Math.min(MAX_TRANSFER_BYTES, model.length - at));
            }
        } catch (IOException | RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    private void verify(int at, int length) throws IOException {
        byte[] read = connection.readNow(regionOffset + at, length);
        int wrong = Arrays.mismatch(read, 0, length, model, at, at + length);
        assertEquals(-1, wrong, "first wrong byte of a read of " + length + " bytes at " + (regionOffset + at));
    }

    /** Reads and writes that were right, so far. */
    long operations() {
        assertTrue(thread.isAlive(), () -> "the client has ended: " + failure);
        return operations;
    }

    /** Reads its whole region once more and ends; fails if anything was ever wrong, or if nothing was done. */
    void finish() throws InterruptedException, IOException {
        finishing = true;
        thread.join();
        connection.close();
        if (failure != null) {
            throw new AssertionError("verifying client", failure);
        }
        assertTrue(operations > 0, "the client did nothing");
    }
}
