package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Revocation is not undone by a file that is gone, or says nothing. */
class ServerTlsTest {
    @TempDir
    private Path directory;

    private Path lists;

    private TestCertificate certificate;

    @BeforeEach
    void makeCertificates() throws Exception {
        lists = directory.resolve("ca-crl.pem");
        certificate = TestCertificate.in(directory);
    }

    private void makeList() throws Exception {
        certificate.keytool("-gencrl", "-rfc", "-id", "17", "-file", lists.toString());
    }

    private ServerTls tls() throws StorageException {
        return new ServerTls(new TlsSettings(TlsOffer.Mode.REQUIRED, directory, true));
    }

    @Test
    void listsThatWereThereMayNotVanish() throws Exception {
        ServerTls tls = tls();
        assertNotNull(tls.load().context(), "no list is fine where there was none");
        makeList();
        tls.use(tls.load());
        Files.delete(lists);
        StorageException refused = assertThrows(StorageException.class, tls::load);
        assertTrue(refused.getMessage().startsWith(lists + " is gone"), refused.getMessage());
        makeList();
        assertNotNull(tls.load().context(), "put back");
    }

    @Test
    void anEmptyListAndALinkToNothingAreRefused() throws Exception {
        Files.writeString(lists, "");
        StorageException empty = assertThrows(StorageException.class, this::tls);
        assertTrue(empty.getMessage().contains("no list of revoked certificates"), empty.getMessage());
        Files.delete(lists);
        Files.createSymbolicLink(lists, directory.resolve("gone"));
        StorageException dangling = assertThrows(StorageException.class, this::tls);
        assertTrue(dangling.getMessage().startsWith(directory.toString()), dangling.getMessage());
        assertEquals(1, dangling.getMessage().lines().count(), dangling.getMessage());
    }

    /** It was there when that was looked at, and is not when it is read. */
    @Test
    void aListThatVanishesBetweenTwoLooksIsMissed() throws Exception {
        makeList();
        TlsSettings settings = new TlsSettings(TlsOffer.Mode.REQUIRED, directory, true);
        boolean revoking = settings.hasRevocationLists();
        Files.delete(lists);
        StorageException refused = assertThrows(StorageException.class, () -> settings.load(revoking));
        assertTrue(refused.getMessage().contains(lists.toString()), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
    }
}
