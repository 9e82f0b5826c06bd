package dev.gossamer.nbd.tls;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * Older encodings of a private key, wrapped as PKCS #8 (RFC 5958), which is all that Java reads:
 *
 * <pre>
 *  SEQUENCE { INTEGER 0, SEQUENCE { algorithm, parameters }, OCTET STRING { the older encoding } }
 * </pre>
 */
final class Pkcs8 {
    private static final byte SEQUENCE = 0x30;
    private static final byte OCTET_STRING = 0x04;
    private static final byte[] VERSION = {0x02, 0x01, 0x00};

    /** rsaEncryption, 1.2.840.113549.1.1.1, and the parameter NULL (RFC 8017). */
    private static final byte[] RSA = {
        0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
    };

    /** ecPublicKey, 1.2.840.10045.2.1 (RFC 5480); the parameter is the curve. */
    private static final byte[] EC = {0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

    private Pkcs8() {}

    /** Of an RSAPrivateKey (PKCS #1, RFC 8017). */
    static byte[] ofRsa(byte[] pkcs1) {
        return element(SEQUENCE, VERSION, element(SEQUENCE, RSA), element(OCTET_STRING, pkcs1));
    }

    /**
     * Of an ECPrivateKey (SEC 1, RFC 5915): {@code SEQUENCE { INTEGER 1, OCTET STRING key, [0] curve, [1] public key
     * }}.
     *
     * @throws IllegalArgumentException if it is something else, or does not name its curve
     */
    static byte[] ofEc(byte[] sec1) {
        int at = enter(sec1, 0, SEQUENCE);
        at = behind(sec1, at, (byte) 0x02);
        at = behind(sec1, at, OCTET_STRING);
        int curve = enter(sec1, at, (byte) 0xa0);
        int end = behind(sec1, curve, (byte) 0x06);
        byte[] oid = Arrays.copyOfRange(sec1, curve, end);
        return element(SEQUENCE, VERSION, element(SEQUENCE, EC, oid), element(OCTET_STRING, sec1));
    }

    /** Index of the content of the element that begins here, which must have this tag. */
    private static int enter(byte[] der, int at, byte tag) {
        if (at + 2 > der.length || der[at] != tag) {
            throw new IllegalArgumentException("not the expected element");
        }
        int first = der[at + 1] & 0xff;
        return at + 2 + (first < 0x80 ? 0 : first - 0x80);
    }

    /** Index of what follows the element that begins here, which must have this tag. */
    private static int behind(byte[] der, int at, byte tag) {
        int content = enter(der, at, tag);
        int length = der[at + 1] & 0xff;
        if (length >= 0x80) {
            length = 0;
            for (int i = at + 2; i < content && i < der.length; i++) {
                length = (length << 8) | (der[i] & 0xff);
            }
        }
        if (length < 0 || length > der.length - content) {
            throw new IllegalArgumentException("an element is longer than the key");
        }
        return content + length;
    }

    private static byte[] element(byte tag, byte[]... parts) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        int length = content.size();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        if (length < 0x80) {
            out.write(length);
        } else {
            int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(length) + 7) / Byte.SIZE;
            out.write(0x80 | bytes);
            for (int shift = (bytes - 1) * Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
                out.write(length >> shift);
            }
        }
        out.writeBytes(content.toByteArray());
        return out.toByteArray();
    }
}
