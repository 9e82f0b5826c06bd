package dev.gossamer.daemon.server;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A blocking client behind STARTTLS, with simple replies. */
final class TlsTestClient implements AutoCloseable {
    private static final long IHAVEOPT = 0x49484156454F5054L;
    private static final int OPTION_STARTTLS = 5;
    private static final int OPTION_GO = 7;
    private static final int REPLY_ACK = 1;

    private final Socket plain;
    private final SSLSocket socket;
    private final DataInputStream in;
    private final DataOutputStream out;

    /** @param certificate what the server has to show */
    TlsTestClient(InetSocketAddress address, Path certificate, String export)
            throws IOException, GeneralSecurityException {
        this(address, certificate);
        byte[] name = export.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        out.write(ByteBuffer.allocate(16 + 6 + name.length)
                .putLong(IHAVEOPT)
                .putInt(OPTION_GO)
                .putInt(6 + name.length)
                .putInt(name.length)
                .put(name)
                .array());
        awaitAck(in);
    }

    /** As the other, but does not go on behind TLS. */
    TlsTestClient(InetSocketAddress address, Path certificate) throws IOException, GeneralSecurityException {
        plain = startTls(address);
        socket = (SSLSocket) trusting(certificate).getSocketFactory().createSocket(plain, "localhost", 1, true);
        socket.startHandshake();
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(socket.getOutputStream());
    }

    /** Asks for TLS, and is told to begin. */
    static Socket startTls(InetSocketAddress address) throws IOException {
        Socket plain = new Socket(address.getAddress(), address.getPort());
        DataInputStream in = new DataInputStream(plain.getInputStream());
        in.readNBytes(18);
        plain.getOutputStream()
                .write(ByteBuffer.allocate(20)
                        .putInt(3)
                        .putLong(IHAVEOPT)
                        .putInt(OPTION_STARTTLS)
                        .putInt(0)
                        .array());
        awaitAck(in);
        return plain;
    }

    /** Sends bytes that were never encrypted in place of a record, and waits until the server has had enough. */
    void endWith(byte[] bytes) throws IOException {
        plain.getOutputStream().write(bytes);
        plain.getInputStream().readAllBytes();
    }

    private static SSLContext trusting(Path certificate) throws IOException, GeneralSecurityException {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (var pem = Files.newInputStream(certificate)) {
            trusted.setCertificateEntry(
                    "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static void awaitAck(DataInputStream in) throws IOException {
        int type;
        do {
            in.readNBytes(12);
            type = in.readInt();
            in.readNBytes(in.readInt());
        } while (type > REPLY_ACK);
        if (type != REPLY_ACK) {
            throw new IOException("option was refused: " + Integer.toHexString(type));
        }
    }

    void read(long cookie, long offset, int length) throws IOException {
        out.write(NbdTestClient.header(0, 0, cookie, offset, length).array());
    }

    /** Takes the reply to a read: its data, after its error and cookie were looked at. */
    byte[] reply(long cookie, int length) throws IOException {
        if (in.readInt() != 0x67446698 || in.readInt() != 0 || in.readLong() != cookie) {
            throw new IOException("not the reply to " + cookie);
        }
        return in.readNBytes(length);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
