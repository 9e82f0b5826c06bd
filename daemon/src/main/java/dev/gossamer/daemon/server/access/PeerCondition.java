package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.security.auth.x500.X500Principal;

/** What a rule says about who a peer is (X9). Immutable; any thread. */
public sealed interface PeerCondition {
    /** Stands for every peer that has what the condition is about. */
    String ANY = "*";

    boolean fits(Peer peer);

    /**
     * The peer has shown a certificate that was verified, with this name.
     *
     * @param name a common name; {@code DNS:}, {@code EMAIL:} or {@code URI:} and a subject alternative name, which no
     *     common name stands for: a CA that looks at the one may let people choose the other; or {@link #ANY}
     */
    record Certificate(String name) implements PeerCondition {
        private static final Pattern ALTERNATIVE = Pattern.compile("(DNS|EMAIL|URI):.*", Pattern.DOTALL);

        @Override
        public boolean fits(Peer peer) {
            X509Certificate certificate = peer.certificate();
            if (certificate == null) {
                return false;
            }
            if (name.equals(ANY)) {
                return true;
            }
            return ALTERNATIVE.matcher(name).matches()
                    ? hasAlternativeName(certificate)
                    : name.equals(commonName(certificate.getSubjectX500Principal()));
        }

        /** Of several the one that is farthest from the root: CN=alice,CN=Users,DC=example is alice. */
        static String commonName(X500Principal subject) {
            try {
                // From the root on.
                return new LdapName(subject.getName())
                        .getRdns().stream()
                                .filter(part -> part.getType().equalsIgnoreCase("CN"))
                                .map(part -> part.getValue().toString())
                                .reduce((nearer, farther) -> farther)
                                .orElse(null);
            } catch (InvalidNameException e) {
                return null; // what cannot be read is nobody's name
            }
        }

        private boolean hasAlternativeName(X509Certificate certificate) {
            try {
                Collection<List<?>> names = certificate.getSubjectAlternativeNames();
                return names != null
                        && names.stream().anyMatch(entry -> name.equals(prefix((Integer) entry.get(0)) + entry.get(1)));
            } catch (CertificateParsingException e) {
                return false;
            }
        }

        /**
         * The kinds of RFC 5280, GeneralName, that identify programs and people; others get a prefix nobody can write.
         */
        private static String prefix(int kind) {
            return switch (kind) {
                case 1 -> "EMAIL:";
                case 2 -> "DNS:";
                case 6 -> "URI:";
                default -> "\0";
            };
        }
    }

    /**
     * The peer is a process of this machine, connected to a Unix socket.
     *
     * @param id of its user, or null for every user
     */
    record User(Long id) implements PeerCondition {
        @Override
        public boolean fits(Peer peer) {
            return peer.userId() != Peer.NO_USER && (id == null || id == peer.userId());
        }
    }

    /** The peer's address is in a network; Unix sockets have none. */
    record Network(IpSubnetFilterRule subnet) implements PeerCondition {
        private static final Pattern IPV4 = Pattern.compile("((0|[1-9][0-9]{0,2})(\\.|$)){4}");
        private static final Pattern BITS = Pattern.compile("0|[1-9][0-9]{0,2}");

        /** Throws {@link IllegalArgumentException} unless {@code text} is ADDRESS/BITS. */
        public static Network parse(String text) {
            int slash = text.indexOf('/');
            String address = slash < 0 ? text : text.substring(0, slash);
            // Anything else is looked up as a name, or is octal for one reader and decimal for the next.
            boolean plain =
                    address.indexOf(':') < 0 ? IPV4.matcher(address).matches() : NetUtil.isValidIpV6Address(address);
            if (!plain || !BITS.matcher(text.substring(slash + 1)).matches()) {
                throw new IllegalArgumentException(
                        "'" + text + "' is no network; write ADDRESS/BITS, as in 10.0.0.0/8");
            }
            try {
                return new Network(new IpSubnetFilterRule(text, IpFilterRuleType.ACCEPT));
            } catch (RuntimeException e) {
                throw new IllegalArgumentException(
                        String.format(Locale.ROOT, "'%s' is no network: %s", text, e.getMessage()), e);
            }
        }

        @Override
        public boolean fits(Peer peer) {
            return peer.address() instanceof InetSocketAddress address && subnet.matches(address);
        }
    }
}
