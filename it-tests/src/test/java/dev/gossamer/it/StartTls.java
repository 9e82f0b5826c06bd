package dev.gossamer.it;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** One encrypted connection by hand, step by step: what comes before TLS, TLS, and a few requests. Blocking. */
final class StartTls implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 30_000;

    private final SSLSocket socket;
    private final DataInputStream in;
    private final DataOutputStream out;

    private StartTls(SSLSocket socket) throws IOException {
        this.socket = socket;
        this.in = new DataInputStream(socket.getInputStream());
        this.out = new DataOutputStream(socket.getOutputStream());
    }

    /** The part in the clear, up to the acknowledgement of STARTTLS: what follows on the socket is TLS. */
    static Socket plainPart(int port) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        DataInputStream in = new DataInputStream(socket.getInputStream());
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        expect(in.readLong(), NbdConnection.NBD_MAGIC);
        expect(in.readLong(), NbdConnection.OPTION_MAGIC);
        in.readShort();
        out.writeInt(3);
        sendOption(out, NbdConnection.OPTION_STARTTLS, new byte[0]);
        expect(in.readLong(), NbdConnection.OPTION_REPLY_MAGIC);
        expect(in.readInt(), NbdConnection.OPTION_STARTTLS);
        expect(in.readInt(), NbdConnection.REPLY_ACK);
        expect(in.readInt(), 0);
        return socket;
    }

    /** Connects, checks the server against an authority, and opens an export. */
    static StartTls open(int port, Path authority, String export) throws IOException, GeneralSecurityException {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (var pem = Files.newInputStream(authority)) {
            trusted.setCertificateEntry(
                    "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(plainPart(port), "localhost", port, true);
        socket.startHandshake();
        StartTls connection = new StartTls(socket);
        connection.go(export);
        return connection;
    }

    private void go(String export) throws IOException {
        byte[] name = export.getBytes(StandardCharsets.US_ASCII);
        byte[] data = new byte[6 + name.length];
        data[3] = (byte) name.length;
        System.arraycopy(name, 0, data, 4, name.length);
        sendOption(out, NbdConnection.OPTION_GO, data);
        int type;
        do {
            expect(in.readLong(), NbdConnection.OPTION_REPLY_MAGIC);
            expect(in.readInt(), NbdConnection.OPTION_GO);
            type = in.readInt();
            in.readNBytes(in.readInt());
        } while (type == NbdConnection.REPLY_INFO);
        expect(type, NbdConnection.REPLY_ACK);
    }

    private static void sendOption(DataOutputStream out, int option, byte[] data) throws IOException {
        out.writeLong(NbdConnection.OPTION_MAGIC);
        out.writeInt(option);
        out.writeInt(data.length);
        out.write(data);
        out.flush();
    }

    /** Asks for data, and does not take it. */
    void askForReads(int count, long offsetBytes, int lengthBytes) throws IOException {
        for (int i = 0; i < count; i++) {
            out.writeInt(NbdConnection.REQUEST_MAGIC);
            out.writeInt(NbdConnection.READ);
            out.writeLong(i);
            out.writeLong(offsetBytes);
            out.writeInt(lengthBytes);
        }
        out.flush();
    }

    byte[] read(long offsetBytes, int lengthBytes) throws IOException {
        out.writeInt(NbdConnection.REQUEST_MAGIC);
        out.writeInt(NbdConnection.READ);
        out.writeLong(7);
        out.writeLong(offsetBytes);
        out.writeInt(lengthBytes);
        out.flush();
        expect(in.readInt(), NbdConnection.SIMPLE_REPLY_MAGIC);
        expect(in.readInt(), 0);
        expect(in.readLong(), 7);
        return in.readNBytes(lengthBytes);
    }

    /** What the server has shown. */
    X509Certificate serverCertificate() throws IOException {
        return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }

    private static void expect(long actual, long expected) throws IOException {
        if (actual != expected) {
            throw new IOException(Long.toHexString(actual) + " instead of " + Long.toHexString(expected));
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
