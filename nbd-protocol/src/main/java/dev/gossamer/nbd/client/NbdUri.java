package dev.gossamer.nbd.client;

import dev.gossamer.nbd.wire.NbdText;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Address of an export (X11), as {@code nbd://host:port/export}, {@code nbd+unix:///export?socket=path} or
 * {@code nbd+vsock://cid:port/export}; with {@code nbds} for TLS.
 *
 * @param tls whether the connection must use TLS; there is no "if possible"
 * @param host name or address without brackets, or the number of a virtual machine; empty for Unix sockets
 * @param port 1 to 65535, for VSOCK to 2^32 - 1; 0 for Unix sockets
 * @param socketPath of a Unix socket, beginning with NUL for an abstract one; else empty
 * @param user PSK identity, may be empty
 * @param exportName may be empty
 * @param parameters the {@code tls-} ones, in order of their names
 */
public record NbdUri(
        Transport transport,
        boolean tls,
        String host,
        long port,
        String socketPath,
        String user,
        String exportName,
        SortedMap<String, String> parameters) {
    /** What carries the bytes. */
    public enum Transport {
        TCP(""),
        UNIX("+unix"),
        VSOCK("+vsock");

        private final String suffix;

        Transport(String suffix) {
            this.suffix = suffix;
        }
    }

    public static final int DEFAULT_PORT = 10809;

    private static final long VSOCK_LIMIT = 0xffff_ffffL;
    private static final String SOCKET = "socket";
    private static final Set<String> TLS_PARAMETERS =
            Set.of("tls-type", "tls-hostname", "tls-verify-peer", "tls-certificates", "tls-psk-file", "tls-username");
    private static final Set<String> TLS_TYPES = Set.of("x509", "psk", "anon");
    private static final Set<String> BOOLEANS = Set.of("true", "false", "1", "0");

    public NbdUri {
        parameters = Collections.unmodifiableSortedMap(new TreeMap<>(parameters));
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException naming what is wrong with it
     */
    public static NbdUri parse(String text) {
        int schemeEnd = text.indexOf("://");
        require(schemeEnd > 0 && text.indexOf('#') < 0, text, "must look like nbd://host/export");
        String scheme = text.substring(0, schemeEnd);
        boolean tls = scheme.startsWith("nbds");
        Transport transport = transport(text, scheme.substring(Math.min(scheme.length(), tls ? 4 : 3)));
        require(scheme.startsWith("nbd"), text, "scheme must be nbd or nbds, perhaps with +unix or +vsock");

        String rest = text.substring(schemeEnd + 3);
        int queryStart = rest.indexOf('?');
        SortedMap<String, String> parameters =
                queryStart < 0 ? new TreeMap<>() : parseQuery(text, rest.substring(queryStart + 1));
        String hierarchy = queryStart < 0 ? rest : rest.substring(0, queryStart);
        int pathStart = hierarchy.indexOf('/');
        String authority = pathStart < 0 ? hierarchy : hierarchy.substring(0, pathStart);
        String exportName = pathStart < 0 ? "" : decode(text, hierarchy.substring(pathStart + 1));
        require(NbdText.isValid(exportName), text, "export name must be at most 4096 bytes without NUL");

        int userEnd = authority.lastIndexOf('@');
        String user = userEnd < 0 ? "" : decode(text, authority.substring(0, userEnd));
        String address = authority.substring(userEnd + 1);
        String socketPath = parameters.remove(SOCKET);
        checkTls(text, tls, user, parameters);
        if (transport == Transport.UNIX) {
            require(address.isEmpty(), text, "a Unix socket has no host; write nbd+unix:///export?socket=path");
            require(socketPath != null && !socketPath.isEmpty(), text, "parameter socket is missing");
            return new NbdUri(transport, tls, "", 0, socketPath, user, exportName, parameters);
        }
        require(socketPath == null, text, "parameter socket is for nbd+unix only");
        return parseAddress(text, transport, tls, address, user, exportName, parameters);
    }

    private static NbdUri parseAddress(
            String text,
            Transport transport,
            boolean tls,
            String address,
            String user,
            String exportName,
            SortedMap<String, String> parameters) {
        int hostEnd = address.startsWith("[") ? address.indexOf(']') + 1 : address.indexOf(':');
        if (hostEnd < 0) {
            hostEnd = address.length();
        }
        String host = address.substring(0, hostEnd);
        if (host.startsWith("[")) {
            host = host.substring(1, host.length() - 1);
            require(host.indexOf(':') >= 0, text, "brackets are for IPv6 addresses");
        }
        host = decode(text, host);
        require(!host.isEmpty() && host.indexOf('\0') < 0, text, "host is missing");
        boolean vsock = transport == Transport.VSOCK;
        if (vsock) {
            number(text, host, VSOCK_LIMIT, "virtual machine");
        }
        String port = address.substring(hostEnd);
        require(port.isEmpty() || port.startsWith(":"), text, "port must follow the host after a colon");
        long portNumber = port.length() <= 1
                ? DEFAULT_PORT
                : number(text, port.substring(1), vsock ? VSOCK_LIMIT : 65535, "port");
        require(portNumber > 0, text, "port must not be 0");
        return new NbdUri(transport, tls, host, portNumber, "", user, exportName, parameters);
    }

    private static Transport transport(String text, String suffix) {
        for (Transport transport : Transport.values()) {
            if (transport.suffix.equals(suffix)) {
                return transport;
            }
        }
        throw bad(text, "scheme must be nbd or nbds, perhaps with +unix or +vsock");
    }

    private static SortedMap<String, String> parseQuery(String text, String query) {
        SortedMap<String, String> parameters = new TreeMap<>();
        for (String pair : query.split("[&;]", -1)) {
            int equals = pair.indexOf('=');
            require(equals > 0, text, "parameters must look like name=value");
            String name = decode(text, pair.substring(0, equals));
            boolean known = name.equals(SOCKET) || TLS_PARAMETERS.contains(name);
            require(known, text, "unknown parameter '" + NbdText.echo(name) + "'");
            String value = decode(text, pair.substring(equals + 1));
            require(parameters.putIfAbsent(name, value) == null, text, "parameter " + name + " comes twice");
        }
        return parameters;
    }

    private static void checkTls(String text, boolean tls, String user, Map<String, String> parameters) {
        require(tls || (parameters.isEmpty() && user.isEmpty()), text, "TLS parameters and users need nbds");
        require(TLS_TYPES.contains(parameters.getOrDefault("tls-type", "x509")), text, "tls-type: x509, psk or anon");
        require(
                BOOLEANS.contains(parameters.getOrDefault("tls-verify-peer", "true")),
                text,
                "tls-verify-peer: true or false");
    }

    private static long number(String text, String digits, long limit, String what) {
        boolean good =
                digits.length() <= 10 && !digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9');
        require(good && Long.parseLong(digits) <= limit, text, what + " must be a number up to " + limit);
        return Long.parseLong(digits);
    }

    private static String decode(String text, String part) {
        byte[] utf8 = part.getBytes(StandardCharsets.UTF_8);
        ByteBuffer decoded = ByteBuffer.allocate(utf8.length);
        for (int i = 0; i < utf8.length; i++) {
            if (utf8[i] != '%') {
                decoded.put(utf8[i]);
                continue;
            }
            int high = i + 2 < utf8.length ? Character.digit(utf8[i + 1], 16) : -1;
            int low = i + 2 < utf8.length ? Character.digit(utf8[i + 2], 16) : -1;
            require(high >= 0 && low >= 0, text, "% must be followed by two hexadecimal digits");
            decoded.put((byte) ((high << 4) | low));
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(decoded.flip()).toString();
        } catch (CharacterCodingException e) {
            throw bad(text, "escaped characters are not UTF-8");
        }
    }

    private static String encode(String part) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : part.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "-._~/:@".indexOf(c) >= 0);
            if (plain) {
                encoded.append(c);
            } else {
                encoded.append('%').append(Character.forDigit((c >> 4), 16)).append(Character.forDigit(c & 15, 16));
            }
        }
        return encoded.toString();
    }

    private static void require(boolean condition, String text, String rule) {
        if (!condition) {
            throw bad(text, rule);
        }
    }

    private static IllegalArgumentException bad(String text, String rule) {
        return new IllegalArgumentException("NBD address '" + NbdText.echo(text) + "': " + rule);
    }

    /** The address in the form {@link #parse} reads. */
    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder(tls ? "nbds" : "nbd").append(transport.suffix).append("://");
        if (!user.isEmpty()) {
            text.append(encode(user).replace(":", "%3a").replace("@", "%40").replace("/", "%2f"))
                    .append('@');
        }
        if (transport != Transport.UNIX) {
            text.append(host.indexOf(':') >= 0 ? "[" + host + "]" : encode(host));
            if (port != DEFAULT_PORT) {
                text.append(':').append(port);
            }
        }
        text.append('/').append(encode(exportName));
        char separator = '?';
        if (transport == Transport.UNIX) {
            text.append("?socket=").append(encode(socketPath));
            separator = '&';
        }
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            text.append(separator).append(parameter.getKey()).append('=').append(encode(parameter.getValue()));
            separator = '&';
        }
        return text.toString();
    }
}
