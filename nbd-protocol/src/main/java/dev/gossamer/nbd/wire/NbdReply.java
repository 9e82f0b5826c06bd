package dev.gossamer.nbd.wire;

/**
 * The server's answers: option replies in the handshake, simple replies and reply chunks in transmission.
 *
 * <pre>
 *   0                8        12       16       20
 *  +----------------+--------+--------+--------+---------------+
 *  | option magic   | option | type   | length | length bytes  |   option reply
 *  +----------------+--------+--------+--------+---------------+
 *
 *   0        4        8                16
 *  +--------+--------+----------------+----------------------+
 *  | simple | error  | cookie         | data of a good READ  |   simple reply
 *  +--------+--------+----------------+----------------------+
 *
 *   0        4       6       8                16       20
 *  +--------+-------+-------+----------------+--------+---------------+
 *  | chunk  | flags | type  | cookie         | length | length bytes  |   reply chunk
 *  +--------+-------+-------+----------------+--------+---------------+
 *
 *   0        4       6       8                16               24               32
 *  +--------+-------+-------+----------------+----------------+----------------+---------------+
 *  | ext.   | flags | type  | cookie         | offset of the  | length         | length bytes  |   extended chunk
 *  | chunk  |       |       |                | request        |                |               |
 *  +--------+-------+-------+----------------+----------------+----------------+---------------+
 *
 *  payload of a chunk:
 *  OFFSET_DATA       | offset (8)      | data (at least 1 byte)
 *  OFFSET_HOLE       | offset (8)      | hole length (4)
 *  BLOCK_STATUS      | context id (4)  | n x (length (4), flags (4))
 *  BLOCK_STATUS_EXT  | context id (4)  | n (4)                     | n x (length (8), flags (8))
 *  ERROR             | error (4)       | text length (2)           | text
 *  ERROR_OFFSET      | error (4)       | text length (2)           | text | offset (8)
 * </pre>
 */
public final class NbdReply {
    public static final int ACK = 1;
    public static final int SERVER = 2;
    public static final int INFO = 3;

    /** Its data: context id (4), name. */
    public static final int META_CONTEXT = 4;

    private static final int ERROR = 1 << 31;
    public static final int ERR_UNSUP = ERROR + 1;
    public static final int ERR_POLICY = ERROR + 2;
    public static final int ERR_INVALID = ERROR + 3;
    public static final int ERR_TLS_REQD = ERROR + 5;
    public static final int ERR_UNKNOWN = ERROR + 6;
    public static final int ERR_SHUTDOWN = ERROR + 7;
    public static final int ERR_BLOCK_SIZE_REQD = ERROR + 8;
    public static final int ERR_TOO_BIG = ERROR + 9;
    public static final int ERR_EXT_HEADER_REQD = ERROR + 10;

    public static final int OPTION_REPLY_HEADER_BYTES = 20;

    public static final int CHUNK_NONE = 0;
    public static final int CHUNK_OFFSET_DATA = 1;
    public static final int CHUNK_OFFSET_HOLE = 2;
    public static final int CHUNK_BLOCK_STATUS = 5;
    public static final int CHUNK_BLOCK_STATUS_EXT = 6;
    public static final int CHUNK_ERROR = 0x8001;
    public static final int CHUNK_ERROR_OFFSET = 0x8002;

    /** Set in the type of every chunk that reports an error. */
    public static final int CHUNK_ERROR_BIT = 0x8000;

    /** Chunk flag: the last chunk of this reply. */
    public static final int FLAG_DONE = 1;

    public static final int SIMPLE_REPLY_BYTES = 16;
    public static final int CHUNK_HEADER_BYTES = 20;

    public static final int EXTENDED_CHUNK_HEADER_BYTES = 32;

    /** Payload of an OFFSET_DATA chunk before the data. */
    public static final int OFFSET_BYTES = 8;

    public static final int OFFSET_HOLE_BYTES = 12;

    /** Payload of an ERROR chunk without its text. */
    public static final int ERROR_BYTES = 6;

    public static final int ERROR_OFFSET_BYTES = ERROR_BYTES + 8;

    /** Payload of a BLOCK_STATUS chunk before the descriptors, and one descriptor. */
    public static final int BLOCK_STATUS_BYTES = 4;

    public static final int DESCRIPTOR_BYTES = 8;

    /** The same with extended headers. */
    public static final int BLOCK_STATUS_EXT_BYTES = 8;

    public static final int DESCRIPTOR_EXT_BYTES = 16;

    private NbdReply() {}
}
