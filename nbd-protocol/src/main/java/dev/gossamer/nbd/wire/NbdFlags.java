package dev.gossamer.nbd.wire;

/**
 * The four flag words of the protocol; a bit means something else in each.
 *
 * <pre>
 *  bit            0                 1          2           3         4           5          6
 *  handshake      FIXED_NEWSTYLE    NO_ZEROES
 *  client         FIXED_NEWSTYLE    NO_ZEROES
 *  transmission   HAS_FLAGS         READ_ONLY  SEND_FLUSH  SEND_FUA  ROTATIONAL  SEND_TRIM  SEND_WRITE_ZEROES
 *  command        FUA               NO_HOLE    DF          REQ_ONE   FAST_ZERO   PAYLOAD_LEN
 *
 *  bit            7        8               10          11              12
 *  transmission   SEND_DF  CAN_MULTI_CONN  SEND_CACHE  SEND_FAST_ZERO  BLOCK_STATUS_PAYLOAD
 * </pre>
 */
public final class NbdFlags {
    /** Handshake flag and client flag. */
    public static final int FIXED_NEWSTYLE = 1;

    /** Handshake flag and client flag: no padding after the answer to EXPORT_NAME. */
    public static final int NO_ZEROES = 1 << 1;

    public static final int HAS_FLAGS = 1;
    public static final int READ_ONLY = 1 << 1;
    public static final int SEND_FLUSH = 1 << 2;
    public static final int SEND_FUA = 1 << 3;
    public static final int ROTATIONAL = 1 << 4;
    public static final int SEND_TRIM = 1 << 5;
    public static final int SEND_WRITE_ZEROES = 1 << 6;

    /** Set by the codec when structured replies were negotiated, never by an export. */
    public static final int SEND_DF = 1 << 7;

    public static final int CAN_MULTI_CONN = 1 << 8;
    public static final int SEND_CACHE = 1 << 10;
    public static final int SEND_FAST_ZERO = 1 << 11;

    /** Set by the codec for clients with extended headers and a metadata context, never by an export. */
    public static final int BLOCK_STATUS_PAYLOAD = 1 << 12;

    /** Command flag of writes, trims and zeroes: on stable storage before the reply. */
    public static final int CMD_FUA = 1;

    /** Command flag of WRITE_ZEROES: keep (or make) the range allocated. */
    public static final int CMD_NO_HOLE = 1 << 1;

    /** Command flag of READ: one content chunk. */
    public static final int CMD_DF = 1 << 2;

    /** Command flag of BLOCK_STATUS: one descriptor per context. */
    public static final int CMD_REQ_ONE = 1 << 3;

    /** Command flag of WRITE_ZEROES: fail with ENOTSUP where it is no faster than a write. */
    public static final int CMD_FAST_ZERO = 1 << 4;

    /** Command flag in extended headers: the length counts a payload that follows. */
    public static final int CMD_PAYLOAD_LEN = 1 << 5;

    private NbdFlags() {}
}
