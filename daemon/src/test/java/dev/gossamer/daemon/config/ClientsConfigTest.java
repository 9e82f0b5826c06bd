package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.PeerCondition;
import dev.gossamer.daemon.server.access.ServerLimits;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code clients.yaml}: rule X9 and limits H11 and H13 as users write them. */
class ClientsConfigTest {
    private static final Path FILE = Path.of("/pool/clients.yaml");

    @TempDir
    private Path directory;

    @Test
    void noFileMeansNoRestrictions() throws StorageException {
        assertEquals(ClientPolicy.DEFAULT, new ClientsConfig(Path.of("/no/such/clients.yaml")).read());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "# nothing yet\n", "---\n", "~\n"})
    void aFileThatSaysNothingIsRefused(String text) throws IOException {
        Path file = directory.resolve("clients.yaml");
        Files.writeString(file, text);
        StorageException refused = assertThrows(StorageException.class, () -> new ClientsConfig(file).read());
        assertTrue(refused.getMessage().startsWith(file.toString()), refused.getMessage());
    }

    @Test
    void aLinkToNothingIsNotTheSameAsNoFile() throws IOException {
        Path file = directory.resolve("clients.yaml");
        Files.createSymbolicLink(file, directory.resolve("gone"));
        StorageException refused = assertThrows(StorageException.class, () -> new ClientsConfig(file).read());
        assertTrue(refused.getMessage().contains("a link to nothing"), refused.getMessage());
    }

    @Test
    void rulesThatWereThereDoNotEndWithTheirFile() throws IOException {
        Path file = directory.resolve("clients.yaml");
        ClientsConfig config = new ClientsConfig(file);
        assertEquals(ClientPolicy.DEFAULT, config.read());
        Files.writeString(file, "access: []\n");
        assertEquals(List.of(), config.read().access().rules());
        Files.delete(file);
        assertEquals(ClientPolicy.DEFAULT, config.read(), "they were read and never in force");
        Files.writeString(file, "access: []\n");
        config.read();
        config.inForce();
        Files.delete(file);
        StorageException refused = assertThrows(StorageException.class, config::read);
        assertTrue(refused.getMessage().contains("is gone"), refused.getMessage());
        Files.writeString(file, "limits: {handshakes: 7}\naccess: []\n");
        assertEquals(7, config.read().limits().handshakes());
    }

    /** A file that is being written when it is read again, its limits first. */
    @Test
    void rulesThatWereThereDoNotEndWithTheirKey() throws IOException {
        Path file = directory.resolve("clients.yaml");
        ClientsConfig config = new ClientsConfig(file);
        Files.writeString(file, "limits: {handshakes: 7}\n");
        assertNull(config.read().access().rules());
        config.inForce();
        Files.writeString(file, "access: [{uid: 1, rights: read-only}]\n");
        config.read();
        config.inForce();
        Files.writeString(file, "limits: {handshakes: 7}\n");
        StorageException refused = assertThrows(StorageException.class, config::read);
        assertTrue(refused.getMessage().contains("has no key 'access' any more"), refused.getMessage());
        Files.writeString(file, "access: [{rights: read-write}]\n");
        assertEquals(1, config.read().access().rules().size());
    }

    @Test
    void aFileThatIsTooLongIsAnotherFile() throws IOException {
        Path file = directory.resolve("clients.yaml");
        Files.writeString(file, "access: []\n" + "#".repeat(1 << 20));
        StorageException refused = assertThrows(StorageException.class, () -> new ClientsConfig(file).read());
        assertTrue(refused.getMessage().contains("the limit is 1048576 bytes"), refused.getMessage());
    }

    @Test
    void whatIsNoTextIsRefused() throws IOException {
        Path file = directory.resolve("clients.yaml");
        Files.write(file, new byte[] {'a', (byte) 0xff, ':'});
        StorageException refused = assertThrows(StorageException.class, () -> new ClientsConfig(file).read());
        assertTrue(refused.getMessage().contains("UTF-8"), refused.getMessage());
    }

    @Test
    void rulesKeepTheirOrderAndTheirConditions() throws StorageException {
        ClientPolicy policy = ClientsConfig.parse(
                FILE,
                """
                access:
                - {certificate: alice, uid: 7, exports: [a-*, 2024], rights: read-only}
                - uid: '*'
                  rights: read-write
                limits: {handshakes-per-peer: 3, handshake-seconds: 0}
                """);
        var rules = policy.access().rules();
        assertEquals(
                List.of(new PeerCondition.Certificate("alice"), new PeerCondition.User(7L)),
                rules.getFirst().conditions());
        assertEquals(List.of("a-*", "2024"), rules.getFirst().exports().written());
        assertEquals(List.of(new PeerCondition.User(null)), rules.getLast().conditions());
        assertEquals(new ServerLimits(4000, 1000, 1000, 3, 0), policy.limits());
    }

    @Test
    void aSecondDocumentIsRefused() {
        StorageException refused = assertThrows(
                StorageException.class, () -> ClientsConfig.parse(FILE, "access: []\n---\naccess: [{rights: none}]\n"));
        assertTrue(refused.getMessage().contains("a second document"), refused.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "access: [{network: dead/8, rights: none}]          | is no network",
                "access: [{network: 010.0.0.0/8, rights: none}]     | is no network",
                "access: [{network: 10.0.0/8, rights: none}]        | is no network",
                "access: [{network: 10.0.0.0/08, rights: none}]     | is no network",
                "access: [{network: 10.0.0.0./8, rights: none}]     | is no network",
                "admin: {}                                          | 'admin' must be a list",
                "admin: [{rights: read-write}]                      | admin rule 1: 'uid' must be",
                "admin: [{uid: 1}]                                  | admin rule 1: 'rights' must be",
                "admin: [{uid: 1, rights: read-only, exports: a}]   | admin rule 1: unknown key 'exports'",
                "acces: []                                          | unknown key 'acces'",
                "access: {rights: none}                             | must be a list",
                "access: [{rights: none}, {rights: write}]          | access rule 2: 'rights' must be",
                "access: [{uid: 1}]                                 | access rule 1: 'rights' must be",
                "access: [{uid: bob, rights: none}]                 | 'uid' must be the number",
                "access: [{uid: -1, rights: none}]                  | 'uid' must be the number",
                "access: [{network: 10.0.0.0, rights: none}]        | access rule 1: '10.0.0.0' is no network",
                "access: [{network: 10.0.0.0/33, rights: none}]     | '10.0.0.0/33' is no network",
                "access: [{network: localhost/8, rights: none}]     | is no network",
                "access: [{certificate: [a], rights: none}]         | 'certificate' must be a name",
                "access: [{user: 1, rights: none}]                  | unknown key 'user'",
                "access: [none]                                     | access rule 1: must consist of",
                "limits: {handshakes: 0}                            | 'handshakes' must be a whole number from 1",
                "limits: {handshake-seconds: soon}                  | 'handshake-seconds' must be",
                "limits: {handshake: 1}                             | limits: unknown key",
                "{access: [], access: []}                           | line 1: key 'access' appears twice",
                "access: [{uid: 1, uid: '*', rights: none}]         | key 'uid' appears twice",
                "{access: &a [{rights: none}], limits: *a}          | line 1: anchors",
                "access: [{certificate: &a x, exports: *a}]         | line 1: anchors",
                "access: [{certificate: *, rights: none}]           | is no YAML",
                "access: [{exports: !!str x, rights: none}]         | tags",
                "access: [{<<: {uid: 1}, rights: none}]             | unknown key '<<'",
                "access: [{exports: 007, rights: none}]             | '007' is no plain number",
                "access: [{exports: 1_0, rights: none}]             | '1_0' is no plain number",
                "access: [{exports: 1.5, rights: none}]             | '1.5' is no plain number",
                "access: [{exports: [True], rights: none}]          | 'exports' must be a name",
                "access: [{exports: [], rights: none}]              | 'exports' must be a name",
                "access: [{exports: , rights: none}]                | 'exports' must be a name",
                "access: ~                                          | must be a list",
                "limits: ~                                          | limits: must consist of",
                "limits: {handshakes: 1_0}                          | '1_0' is no plain number",
                "{access: [                                         | is no YAML",
            })
    void aMistakeIsNamedWithFileAndPlace(String text, String expected) {
        StorageException refused = assertThrows(StorageException.class, () -> ClientsConfig.parse(FILE, text));
        assertTrue(refused.getMessage().contains(expected), refused.getMessage());
        assertTrue(refused.getMessage().startsWith(FILE.toString()), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
    }

    /** Whatever is between two looks at it: its rules are read, or an error is, and never that there are none. */
    @Test
    void aFileThatComesAndGoesGivesItsRulesOrAnError() throws Exception {
        Path file = directory.resolve("clients.yaml");
        Path away = directory.resolve("away.yaml");
        Files.writeString(file, "access: []\n");
        ClientsConfig config = new ClientsConfig(file);
        config.read();
        config.inForce();
        AtomicBoolean over = new AtomicBoolean();
        Thread mover = Thread.ofPlatform().start(() -> {
            try {
                while (!over.get()) {
                    Files.move(file, away);
                    Files.move(away, file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        int read = 0;
        int refused = 0;
        while (read < 200 || refused < 200) {
            try {
                assertEquals(List.of(), config.read().access().rules());
                read++;
            } catch (StorageException e) {
                assertEquals(1, e.getMessage().lines().count(), e.getMessage());
                refused++;
            }
        }
        over.set(true);
        mover.join();
    }
}
