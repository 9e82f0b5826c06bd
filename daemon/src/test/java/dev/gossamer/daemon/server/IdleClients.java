package dev.gossamer.daemon.server;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Clients that connect and then do nothing, in a process of their own, so that what they take is not taken for the
 * server's. Arguments: how far they go, how many, the server's port, its certificate. A line tells that all are there;
 * they go when standard input ends.
 */
final class IdleClients {
    /** How far a client goes before it stops. */
    enum Stage {
        /** The server waits for an option. */
        HANDSHAKE,
        /** Likewise, behind TLS. */
        TLS_HANDSHAKE,
        /** A read has been answered. */
        TRANSMISSION,
        TLS_TRANSMISSION
    }

    private IdleClients() {}

    public static void main(String[] arguments) throws Exception {
        Stage stage = Stage.valueOf(arguments[0]);
        InetSocketAddress server =
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[2]));
        List<AutoCloseable> clients = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            clients.add(connect(stage, server, Path.of(arguments[3])));
        }
        System.out.println(clients.size() + " connected");
        System.in.readAllBytes();
        System.exit(0);
    }

    private static AutoCloseable connect(Stage stage, InetSocketAddress server, Path certificate) throws Exception {
        return switch (stage) {
            case HANDSHAKE -> NbdTestClient.greeted(server);
            case TLS_HANDSHAKE -> new TlsTestClient(server, certificate);
            case TRANSMISSION -> {
                NbdTestClient client = new NbdTestClient(server, OneExport.NAME);
                client.read(1, 0, 4096);
                client.reply(4096);
                yield client;
            }
            case TLS_TRANSMISSION -> {
                TlsTestClient client = new TlsTestClient(server, certificate, OneExport.NAME);
                client.read(1, 0, 4096);
                client.reply(1, 4096);
                yield client;
            }
        };
    }
}
