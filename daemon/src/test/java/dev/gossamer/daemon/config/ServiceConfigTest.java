package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.TlsOffer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a pool is served, as {@code pool.yaml} says it. */
class ServiceConfigTest {
    private static final Path FILE = Path.of("/pool/pool.yaml");
    private static final String DEVICES = "data: d\nmetadata: m\n";

    @TempDir
    private Path directory;

    @Test
    void whatIsWrittenIsRead() throws IOException {
        PoolConfig config = PoolConfig.parse(
                FILE,
                DEVICES
                        + """
            listen: [tcp:10809, 'unix:/run/x.sock', 'tcp:10.0.0.1:11000']
            allow-remote: true
            tls: {mode: require, certificates: pki, verify-client: true}
            default-export: vol0
            metrics: tcp:9911
            volume-metrics: top 20
            slow-request: 5s
            over-commit: 3
            """);
        ServiceConfig service = config.service();
        assertEquals(
                List.of(
                        ListenAddress.parse("tcp:127.0.0.1:10809"),
                        ListenAddress.parse("unix:/run/x.sock"),
                        ListenAddress.parse("tcp:10.0.0.1:11000")),
                service.listen());
        assertEquals(new TlsSettings(TlsOffer.Mode.REQUIRED, Path.of("pki"), true), service.tls());
        assertEquals(Path.of("/pool/pki"), service.tls().in(Path.of("/pool")).directory());
        assertEquals("vol0", service.defaultExport());
        assertEquals("tcp:127.0.0.1:9911", service.metrics().toString());
        assertEquals(20, service.volumeMetrics());
        assertEquals(Duration.ofSeconds(5), service.slowRequest());
        assertEquals(3, service.overCommit());
        Path file = directory.resolve("pool.yaml");
        config.write(file);
        assertEquals(config, PoolConfig.read(file));
    }

    @Test
    void withoutKeysNothingIsServedToOthers() throws StorageException {
        ServiceConfig service = PoolConfig.parse(FILE, DEVICES).service();
        assertEquals(ServiceConfig.DEFAULT, service);
        assertNull(service.metrics());
        assertTrue(service.listen().isEmpty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "listen: tcp:1                               | key 'listen' must be a list",
                "listen: [10809]                             | key 'listen': '10809' is no listen address",
                "allow-remote: maybe                         | 'allow-remote' must be true or false",
                "tls: {mode: maybe}                          | off, offer or require",
                "tls: {mode: require}                        | needs 'certificates'",
                "tls: {mode: require, certificates: 7}       | needs 'certificates'",
                "tls: {certificate: x}                       | tls: unknown key 'certificate'",
                "metrics: unix:/x                            | is no TCP address",
                "volume-metrics: some                        | none of off, all",
                "volume-metrics: top 0                       | none of off, all",
                "over-commit: 0                              | key 'over-commit' must be",
                "slow-request: fast                          | key 'slow-request': 'fast' is no time",
                "default-export: [a]                         | key 'default-export' must be a text",
                "default-export: ~                           | key 'default-export' must be a text",
                "default-export: off                         | key 'default-export' must be a text",
                "default-export: true                        | key 'default-export' must be a text",
                "default-export: no                          | 'no' is not a word to every reader",
                "allow-remote: yes                           | 'yes' is not a word to every reader",
                "metrics: ~                                  | key 'metrics' must be a text",
                "volume-metrics: ~                           | none of off, all",
                "listen: ~                                   | key 'listen' must be a list",
                "listen: [~]                                 | key 'listen': 'null' is no listen address",
                "tls: ~                                      | tls: must consist of"
            })
    void aMistakeIsNamedWithItsKey(String line, String expected) {
        StorageException refused =
                assertThrows(StorageException.class, () -> PoolConfig.parse(FILE, DEVICES + line + "\n"));
        assertTrue(refused.getMessage().contains(expected), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
    }
}
