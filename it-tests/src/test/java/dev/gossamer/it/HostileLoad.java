package dev.gossamer.it;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * What clients without rights, and clients that may only read, can do to a server, as hard as they can: each kind runs
 * in a few threads of its own until it is stopped. Whatever the server answers, or that it closes, is fine with them.
 */
final class HostileLoad {
    private static final int THREADS = 2;
    private static final int BATCH = 64;
    private static final int OPEN_READERS = 200;
    private static final int UNTAKEN_BYTES = 256 << 20;
    private static final int LONGEST = -(64 << 10);

    /** One round of something, over and over. */
    @FunctionalInterface
    interface Round {
        void run() throws IOException;

        /** After the last one. */
        default void end() throws IOException {}
    }

    private final List<Thread> threads = new ArrayList<>();
    private final Round round;
    private volatile boolean stopping;

    private HostileLoad(Round round) {
        this.round = round;
    }

    /** Begins. */
    static HostileLoad of(Round round) {
        HostileLoad load = new HostileLoad(round);
        for (int i = 0; i < THREADS; i++) {
            load.threads.add(Thread.ofPlatform().daemon().start(load::repeat));
        }
        return load;
    }

    private void repeat() {
        while (!stopping) {
            try {
                round.run();
            } catch (IOException closedByTheServer) {
                Thread.onSpinWait();
            }
        }
    }

    /** Ends all threads, and waits for them. */
    void stop() throws InterruptedException, IOException {
        stopping = true;
        for (Thread thread : threads) {
            thread.join();
        }
        round.end();
    }

    /** Sends one option many times, and takes all answers. */
    static Round options(NbdConnection.Source server, int option, byte[] data) {
        return () -> {
            try (NbdConnection client = server.connect()) {
                client.greet();
                client.askForStructuredReplies();
                for (int i = 0; i < BATCH / 2; i++) {
                    client.sendOption(option, data);
                }
                client.sendOption(NbdConnection.OPTION_ABORT, new byte[0]);
                client.readToEnd();
            }
        };
    }

    /** Begins TLS, with bytes that are none. */
    static Round startTls(NbdConnection.Source server) {
        return () -> {
            try (NbdConnection client = server.connect()) {
                client.greet();
                client.sendOption(NbdConnection.OPTION_STARTTLS, new byte[0]);
                client.readOptionReply();
                client.write(ByteBuffer.wrap(new byte[] {22, 3, 1, 0, 100, 1, 0, 0, 96}));
            }
        };
    }

    /** Sends requests by the batch, and takes what comes until the server has answered them. */
    static Round requests(NbdConnection.Source server, String export, int command, int length) {
        return () -> {
            try (NbdConnection client = server.connect()) {
                client.greet();
                client.askForStructuredReplies();
                client.selectContext(export, "base:allocation");
                client.go(export);
                for (int batch = 0; batch < BATCH; batch++) {
                    for (int i = 0; i < BATCH; i++) {
                        client.send(command, 0, i, 0, length);
                    }
                    client.takeWithoutWaiting(ByteBuffer.allocate(1 << 20));
                }
                client.send(NbdConnection.DISCONNECT, 0, 0, 0, 0);
                client.readToEnd();
            }
        };
    }

    static Round statusQueries(NbdConnection.Source server, String export) {
        return requests(server, export, NbdConnection.BLOCK_STATUS, LONGEST);
    }

    static Round prefetches(NbdConnection.Source server, String export) {
        return requests(server, export, NbdConnection.CACHE, LONGEST);
    }

    /** Nothing but that the machine's CPUs are in use. */
    static Round counting() {
        return () -> {
            for (int i = 0; i < 1_000_000; i++) {
                Thread.onSpinWait();
            }
        };
    }

    /** Asks for as much again and again, on many connections, and takes none of it. */
    static Round readsNeverReceived(NbdConnection.Source server, String export, int lengthBytes) {
        ByteBuffer requests = NbdConnection.reads(UNTAKEN_BYTES / lengthBytes, lengthBytes);
        Deque<NbdConnection> open = new ConcurrentLinkedDeque<>();
        return new Round() {
            @Override
            public void run() throws IOException {
                if (open.size() >= OPEN_READERS) {
                    open.removeFirst().close();
                }
                NbdConnection client = server.connect();
                open.add(client);
                client.greet();
                client.go(export);
                client.write(requests.duplicate());
            }

            @Override
            public void end() throws IOException {
                for (NbdConnection each : open) {
                    each.close();
                }
                open.clear();
            }
        };
    }

    /** Connections that come from an address of this machine. */
    static NbdConnection.Source from(String address, int port) {
        SocketAddress server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        return () -> NbdConnection.connect(new InetSocketAddress(address, 0), server);
    }
}
