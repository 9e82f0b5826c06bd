package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.client.NbdUri.Transport;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** X11: addresses are read and printed in all their forms. */
final class NbdUriTest {
    private static NbdUri tcp(String host, int port, String exportName) {
        return new NbdUri(Transport.TCP, false, host, port, "", "", exportName, new TreeMap<>());
    }

    @ParameterizedTest
    @CsvSource({
        "nbd://host, host, 10809, ''",
        "nbd://host/, host, 10809, ''",
        "nbd://host:/vol, host, 10809, vol",
        "nbd://host:1234/vol, host, 1234, vol",
        "nbd://host//dev/disk, host, 10809, /dev/disk",
        "nbd://[::1]/vol, ::1, 10809, vol",
        "nbd://[fe80::1%25eth0]:99/vol, fe80::1%eth0, 99, vol",
        "nbd://10.0.0.1:65535/a%20b%2Fc%c3%a9, 10.0.0.1, 65535, a b/c\u00e9",
    })
    void readsTcpAddresses(String text, String host, int port, String exportName) {
        NbdUri uri = NbdUri.parse(text);
        assertEquals(tcp(host, port, exportName), uri);
    }

    @Test
    void readsUnixAddresses() {
        NbdUri uri = NbdUri.parse("nbds+unix://bob@/vol?socket=/run/a%20b&tls-psk-file=/etc/psk&tls-type=psk");
        Map<String, String> parameters = Map.of("tls-psk-file", "/etc/psk", "tls-type", "psk");
        assertEquals(new NbdUri(Transport.UNIX, true, "", 0, "/run/a b", "bob", "vol", new TreeMap<>(parameters)), uri);
        assertEquals("\0name", NbdUri.parse("nbd+unix:///?socket=%00name").socketPath());
        assertEquals("/disk", NbdUri.parse("nbd+unix:////disk?socket=s").exportName());
    }

    @Test
    void readsVsockAddresses() {
        NbdUri uri = NbdUri.parse("nbd+vsock://3:4294967295/vol");
        assertEquals(new NbdUri(Transport.VSOCK, false, "3", 4294967295L, "", "", "vol", new TreeMap<>()), uri);
        assertEquals(10809, NbdUri.parse("nbds+vsock://2/").port());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nbd://host/",
                "nbd://[fe80::1]:99/vol",
                "nbds://alice@host:1/a/b%20c%c3%a9?tls-hostname=other&tls-verify-peer=false",
                "nbd+unix:///vol?socket=/run/s",
                "nbds+unix:////v%3f%23%25?socket=%00s%26t&tls-certificates=/etc/pki&tls-type=x509&tls-username=u",
                "nbd+vsock://3:1/vol",
            })
    void printsWhatItReads(String text) {
        assertEquals(text, NbdUri.parse(text).toString());
    }

    @ParameterizedTest
    @CsvSource({
        "host, must look like",
        "http://host/, scheme",
        "nbdx://host/, scheme",
        "nbd+tcp://host/, scheme",
        "nb://host/, scheme",
        "nbd:///vol, host is missing",
        "nbd://host:0/vol, port",
        "nbd://host:65536/vol, port",
        "nbd://host:-1/vol, port",
        "nbd://host:12a/vol, port",
        "nbd://host:99999999999/vol, port",
        "nbd://[::1/vol, host is missing",
        "nbd://[host]/vol, brackets",
        "nbd://[::1]x/vol, colon",
        "nbd://host/vol#part, must look like",
        "nbd://host/%zz, hexadecimal",
        "nbd://host/%4, hexadecimal",
        "nbd://host/%ff, UTF-8",
        "nbd://host/a%00b, export name",
        "nbd://host/vol?socket=/s, nbd+unix only",
        "nbd://host/vol?speed=9, unknown parameter 'speed'",
        "nbd://host/vol?, name=value",
        "nbd://host/vol?tls-type=x509, need nbds",
        "nbd://bob@host/vol, need nbds",
        "nbds://host/vol?tls-type=ssl, tls-type",
        "nbds://host/vol?tls-verify-peer=maybe, tls-verify-peer",
        "nbds://host/vol?tls-type=psk&tls-type=psk, twice",
        "nbd+unix:///vol, socket is missing",
        "nbd+unix:///vol?socket=, socket is missing",
        "nbd+unix://host/vol?socket=/s, no host",
        "nbd+vsock://host/vol, virtual machine",
        "nbd+vsock://4294967296/vol, virtual machine",
    })
    void refusesEverythingElse(String text, String reason) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> NbdUri.parse(text));
        assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    }
}
