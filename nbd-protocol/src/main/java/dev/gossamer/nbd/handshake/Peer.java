package dev.gossamer.nbd.handshake;

import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import java.net.SocketAddress;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Who is at the other end of a connection, as far as it is known at this moment: what may be shown to it depends on
 * that (X9).
 *
 * @param address of the channel; tells little for Unix sockets
 * @param tls whether everything it says and hears is encrypted
 * @param certificate the verified client certificate, or null
 * @param userId of the process at the other end of a Unix socket, as the kernel knows it; {@link #NO_USER} for others
 */
public record Peer(SocketAddress address, boolean tls, X509Certificate certificate, long userId) {
    /** Stands for an unknown user; the kernel's ids are unsigned 32-bit numbers. */
    public static final long NO_USER = -1;

    /** Where whoever accepts a Unix connection leaves its peer's user id, if it is known. */
    public static final AttributeKey<Long> USER_ID = AttributeKey.valueOf(Peer.class, "userId");

    /** The peer of this channel; its identity is complete once the TLS handshake is over. */
    public static Peer of(Channel channel) {
        SslHandler ssl = channel.pipeline().get(SslHandler.class);
        Long known = channel.attr(USER_ID).get();
        long userId = known == null ? NO_USER : known;
        if (ssl == null) {
            return new Peer(channel.remoteAddress(), false, null, userId);
        }
        return new Peer(channel.remoteAddress(), true, certificate(ssl), userId);
    }

    private static X509Certificate certificate(SslHandler ssl) {
        try {
            Certificate[] chain = ssl.engine().getSession().getPeerCertificates();
            return chain[0] instanceof X509Certificate x509 ? x509 : null;
        } catch (SSLPeerUnverifiedException e) {
            return null; // It was not asked for one, or does not have to show one.
        }
    }

    /** Distinguished name in the form of RFC 2253, or null without a certificate. */
    public String certificateSubject() {
        return certificate == null
                ? null
                : certificate.getSubjectX500Principal().getName();
    }
}
