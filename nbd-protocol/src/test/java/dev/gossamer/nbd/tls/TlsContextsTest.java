package dev.gossamer.nbd.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a peer cannot make us compute, and where what it can is computed. */
@Timeout(60)
class TlsContextsTest {
    @TempDir
    private Path directory;

    private final Queue<String> verifiers = new ConcurrentLinkedQueue<>();
    private EmbeddedChannel server;
    private EmbeddedChannel client;

    /** Accepts everybody, and notes on which thread. */
    private final class Accepting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {
            verifiers.add(Thread.currentThread().getName());
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {
            throw new AssertionError("the server has no server");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    @BeforeEach
    void makeCertificates() throws Exception {
        OpenSsl.makeCertificate(directory, "server", "-newkey", "rsa:2048");
        OpenSsl.makeCertificate(directory, "client", "-newkey", "rsa:2048");
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    private void connect(String protocol) throws Exception {
        SslContext serverContext = TlsContexts.server(file("server-cert.pem"), file("server-key.pem"))
                .trustManager(new Accepting())
                .clientAuth(ClientAuth.REQUIRE)
                .build();
        var clientBuilder = TlsContexts.client().protocols(protocol).trustManager(InsecureTrustManagerFactory.INSTANCE);
        TlsContexts.showing(clientBuilder, file("client-cert.pem"), file("client-key.pem"));
        server = new EmbeddedChannel();
        server.pipeline().addLast(TlsContexts.serverHandler(serverContext, server.alloc()));
        client = new EmbeddedChannel();
        client.pipeline().addLast(TlsContexts.clientHandler(clientBuilder.build(), client.alloc(), "server", 1));
        carryUntil(() -> handshaken(server) && handshaken(client));
    }

    private interface Condition {
        boolean holds();
    }

    private static boolean handshaken(EmbeddedChannel side) {
        return side.pipeline().get(SslHandler.class).handshakeFuture().isSuccess();
    }

    /** Carries encrypted bytes both ways; handshakes take as long as they like. */
    private void carryUntil(Condition condition) throws InterruptedException {
        while (!condition.holds()) {
            carry(client, server);
            carry(server, client);
            Thread.sleep(1);
        }
    }

    private static void carry(EmbeddedChannel from, EmbeddedChannel to) {
        from.runPendingTasks();
        for (ByteBuf bytes = from.readOutbound(); bytes != null; bytes = from.readOutbound()) {
            if (to.isOpen()) {
                to.writeInbound(bytes);
            } else {
                bytes.release();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void handshakesComputeOnThreadsOfTheirOwn(String protocol) throws Exception {
        connect(protocol);
        assertEquals(1, verifiers.size());
        assertTrue(verifiers.peek().startsWith("gossamer-tls-"), verifiers::toString);
        client.writeOutbound(Unpooled.copiedBuffer(new byte[] {1, 2, 3}));
        carryUntil(() -> !server.inboundMessages().isEmpty());
        ByteBuf arrived = server.readInbound();
        assertEquals(3, arrived.readableBytes());
        arrived.release();
    }

    @Test
    @SuppressWarnings("FutureReturnValueIgnored") // It never completes: that is what is tested.
    void aSecondHandshakeOnOneConnectionEndsIt() throws Exception {
        connect("TLSv1.2");
        client.pipeline().get(SslHandler.class).renegotiate();
        assertThrows(Exception.class, () -> carryUntil(() -> !server.isOpen() || verifiers.size() > 1));
        assertEquals(1, verifiers.size(), "handshakes that the server computed");
        assertFalse(server.isOpen(), "the connection goes on");
    }
}
