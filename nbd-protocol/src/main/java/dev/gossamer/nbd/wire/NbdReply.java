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
 *  payload of a chunk:
 *  OFFSET_DATA   | offset (8)           | data (at least 1 byte)
 *  OFFSET_HOLE   | offset (8)           | hole length (4)
 *  ERROR         | error (4)            | text length (2)         | text
 * </pre>
 */
public final class NbdReply {
    public static final int ACK = 1;
    public static final int SERVER = 2;
    public static final int INFO = 3;

    private static final int ERROR = 1 << 31;
    public static final int ERR_UNSUP = ERROR + 1;
    public static final int ERR_INVALID = ERROR + 3;
    public static final int ERR_UNKNOWN = ERROR + 6;
    public static final int ERR_SHUTDOWN = ERROR + 7;
    public static final int ERR_TOO_BIG = ERROR + 9;

    public static final int OPTION_REPLY_HEADER_BYTES = 20;

    public static final int CHUNK_NONE = 0;
    public static final int CHUNK_OFFSET_DATA = 1;
    public static final int CHUNK_OFFSET_HOLE = 2;
    public static final int CHUNK_ERROR = 0x8001;

    /** Chunk flag: the last chunk of this reply. */
    public static final int FLAG_DONE = 1;

    public static final int SIMPLE_REPLY_BYTES = 16;
    public static final int CHUNK_HEADER_BYTES = 20;

    /** Chunk header and offset, the part of an OFFSET_DATA chunk before the data. */
    public static final int OFFSET_DATA_HEADER_BYTES = CHUNK_HEADER_BYTES + 8;

    public static final int OFFSET_HOLE_BYTES = CHUNK_HEADER_BYTES + 12;

    /** An ERROR chunk without its text. */
    public static final int ERROR_CHUNK_HEADER_BYTES = CHUNK_HEADER_BYTES + 6;

    private NbdReply() {}
}
