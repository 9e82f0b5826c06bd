package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.PeerCondition;
import dev.gossamer.daemon.server.access.ServerLimits;
import dev.gossamer.io.StorageException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code clients.yaml}: rule X9 and limits H11 and H13 as users write them. */
class ClientsConfigTest {
    private static final Path FILE = Path.of("/pool/clients.yaml");

    @Test
    void noFileAndAnEmptyOneMeanNoRestrictions() throws StorageException {
        assertEquals(ClientPolicy.DEFAULT, ClientsConfig.read(Path.of("/no/such/clients.yaml")));
        assertEquals(ClientPolicy.DEFAULT, ClientsConfig.parse(FILE, "# nothing yet\n"));
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
        assertEquals(List.of("a-*", "2024"), rules.getFirst().exports());
        assertEquals(List.of(new PeerCondition.User(null)), rules.getLast().conditions());
        assertEquals(new ServerLimits(4000, 1000, 1000, 3, 0), policy.limits());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
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
                "{access: [], access: []}                           | line 1 is no YAML, or repeats",
                "{access: [                                         | is no YAML",
            })
    void aMistakeIsNamedWithFileAndPlace(String text, String expected) {
        StorageException refused = assertThrows(StorageException.class, () -> ClientsConfig.parse(FILE, text));
        assertTrue(refused.getMessage().contains(expected), refused.getMessage());
        assertTrue(refused.getMessage().startsWith(FILE.toString()), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
    }
}
