package dev.gossamer.nbd.wire;

/**
 * The numbers that start each NBD message. All integers of the protocol are big-endian and unsigned.
 *
 * <p>The server opens with the greeting, the client answers with its flags:
 *
 * <pre>
 *   0                8                16       18
 *  +----------------+----------------+--------+
 *  | NBDMAGIC       | IHAVEOPT       | flags  |   server greeting
 *  +----------------+----------------+--------+
 *  | client flags   |                              client's answer
 *  +----------------+
 *   0                4
 * </pre>
 */
public final class NbdMagic {
    /** The eight ASCII letters {@code NBDMAGIC}. */
    public static final long GREETING = 0x4e42444d41474943L;

    /** The eight ASCII letters {@code IHAVEOPT}: second half of the greeting and start of every option. */
    public static final long OPTION = 0x49484156454f5054L;

    public static final long OPTION_REPLY = 0x0003e889045565a9L;
    public static final int REQUEST = 0x25609513;
    public static final int EXTENDED_REQUEST = 0x21e41c71;
    public static final int SIMPLE_REPLY = 0x67446698;
    public static final int REPLY_CHUNK = 0x668e33ef;
    public static final int EXTENDED_CHUNK = 0x6e8a278c;

    public static final int GREETING_BYTES = 18;
    public static final int CLIENT_FLAGS_BYTES = 4;

    private NbdMagic() {}
}
