package dev.gossamer.nbd.wire;

/**
 * Options a client sends during the handshake.
 *
 * <pre>
 *   0                8        12       16
 *  +----------------+--------+--------+---------------+
 *  | IHAVEOPT       | option | length | length bytes  |
 *  +----------------+--------+--------+---------------+
 * </pre>
 *
 * The data of INFO and GO:
 *
 * <pre>
 *   0             4          4+n      6+n
 *  +-------------+----------+--------+-----------+
 *  | name length | name (n) | items  | items x 2 |
 *  +-------------+----------+--------+-----------+
 * </pre>
 *
 * The data of LIST_META_CONTEXT and SET_META_CONTEXT:
 *
 * <pre>
 *   0             4          4+n       8+n
 *  +-------------+----------+---------+--------------------------------+
 *  | name length | name (n) | queries | queries x (length (4) | text)  |
 *  +-------------+----------+---------+--------------------------------+
 * </pre>
 *
 * The answer to EXPORT_NAME is no option reply but
 *
 * <pre>
 *   0         8       10                        134
 *  +---------+-------+-------------------------+
 *  | size    | flags | 124 zeros, unless both  |
 *  |         |       | sides set NO_ZEROES     |
 *  +---------+-------+-------------------------+
 * </pre>
 */
public final class NbdOption {
    public static final int EXPORT_NAME = 1;
    public static final int ABORT = 2;
    public static final int LIST = 3;
    public static final int STARTTLS = 5;
    public static final int INFO = 6;
    public static final int GO = 7;
    public static final int STRUCTURED_REPLY = 8;
    public static final int LIST_META_CONTEXT = 9;
    public static final int SET_META_CONTEXT = 10;
    public static final int EXTENDED_HEADERS = 11;

    public static final int HEADER_BYTES = 16;

    /** Size and transmission flags, the part of the EXPORT_NAME answer that is always sent. */
    public static final int EXPORT_NAME_ANSWER_BYTES = 10;

    public static final int EXPORT_NAME_PADDING_BYTES = 124;

    private NbdOption() {}
}
