package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.TestIo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** C4 and A70 to A72 for TLS, with nbdkit as the server and certificates made by openssl. */
@Timeout(60)
class RemoteTlsTest {
    @TempDir
    private Path directory;

    private Path pki;
    private Path socket;
    private RemoteRig rig;
    private ServerProcess server;

    @BeforeEach
    void prepare() throws Exception {
        pki = Files.createDirectory(directory.resolve("pki"));
        socket = directory.resolve("nbd.sock");
        makeCa(pki);
        makeCertificate("server", "server.test");
        makeCertificate("client", "client.test");
        rig = new RemoteRig();
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
        endServer();
    }

    private void endServer() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    private String uri(String... parameters) {
        return "nbds+unix:///?socket=" + socket + String.join("", parameters);
    }

    private void serve(String... options) throws Exception {
        endServer();
        String[] arguments = List.of(options).toArray(new String[options.length + 2]);
        arguments[options.length] = "memory";
        arguments[options.length + 1] = "1M";
        server = ServerProcess.nbdkit(socket, arguments);
    }

    private void serveEncrypted() throws Exception {
        serve("--tls=require", "--tls-certificates=" + pki, "--tls-verify-peer");
    }

    private void assertRefused(String uri, String why) {
        StorageException refusal = assertThrows(StorageException.class, () -> rig.open(uri, RemoteRig.IMPATIENT));
        assertTrue(refusal.getMessage().contains(why), refusal.getMessage());
    }

    @Test
    void bothSidesVerifyAndDataArrives() throws Exception {
        serveEncrypted();
        NbdClientDevice device = rig.open(uri("&tls-hostname=server.test&tls-certificates=" + pki), RemoteRig.PATIENT);
        TestIo io = rig.io(device, 1);
        byte[] data = new byte[512 << 10];
        data[77] = 7;
        io.write(4096, data);
        io.flush();
        assertArrayEquals(data, io.read(4096, data.length));
        assertEquals(1 << 20, device.sizeBytes());
    }

    @Test
    void aCertificateForAnotherHostIsRefused() throws Exception {
        serveEncrypted();
        assertRefused(uri("&tls-hostname=other.test&tls-certificates=" + pki), "TLS handshake failed");
        assertRefused(uri("&tls-certificates=" + pki), "TLS handshake failed"); // localhost is expected
    }

    @Test
    void aCertificateOfAnotherAuthorityIsRefused() throws Exception {
        Path others = Files.createDirectory(directory.resolve("others"));
        makeCa(others);
        serveEncrypted();
        assertRefused(uri("&tls-hostname=server.test&tls-certificates=" + others), "TLS handshake failed");
        assertRefused(uri("&tls-hostname=server.test"), "TLS handshake failed"); // the authorities Java trusts
    }

    @Test
    void verificationCanBeGivenUpOnlyInSoManyWords() throws Exception {
        serve("--tls=require", "--tls-certificates=" + pki);
        NbdClientDevice device = rig.open(uri("&tls-verify-peer=false"), RemoteRig.PATIENT);
        rig.io(device, 0).read(0, 4096);
    }

    @Test
    void thereIsNoFallingBackInEitherDirection() throws Exception {
        serve();
        assertRefused(uri("&tls-certificates=" + pki), "server refuses");
        serveEncrypted();
        assertRefused("nbd+unix:///?socket=" + socket, "use nbds");
    }

    @Test
    void whatIsMissingOrCannotBeHadIsNamed() {
        assertRefused(uri("&tls-certificates=" + directory), directory.resolve("ca-cert.pem") + " is not there");
        assertRefused(uri("&tls-type=psk"), "certificates only");
        assertRefused("nbd+vsock://3/x", "vsock is not supported");
        assertRefused("nbd+unix:///?socket=%00abstract", "abstract sockets are not supported");
        assertRefused("nbd://no.such.host.invalid/x", "there is no host");
    }

    private static void makeCa(Path directory) throws Exception {
        openssl(
                directory,
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca-cert.pem");
    }

    private void makeCertificate(String name, String host) throws Exception {
        openssl(
                pki,
                "req -newkey rsa:2048 -nodes -subj /CN=" + host + " -addext subjectAltName=DNS:" + host + " -keyout "
                        + name + "-key.pem -out " + name + ".csr");
        openssl(
                pki,
                "x509 -req -in " + name + ".csr -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -days 2"
                        + " -copy_extensions copyall -out " + name + "-cert.pem");
    }

    private static void openssl(Path directory, String arguments) throws Exception {
        Process process = new ProcessBuilder(("openssl " + arguments).split(" "))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertEquals(0, process.waitFor(), arguments);
    }
}
