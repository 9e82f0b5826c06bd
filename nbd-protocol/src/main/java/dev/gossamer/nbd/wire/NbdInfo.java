package dev.gossamer.nbd.wire;

/**
 * Items of information about an export: a client may ask for them in INFO and GO, the server sends each in an INFO
 * reply.
 *
 * <pre>
 *   0      2
 *  +------+--------------------------------------------------+
 *  | type | EXPORT:      size (8), transmission flags (2)    |
 *  |      | NAME:        canonical name                      |
 *  |      | DESCRIPTION: text                                |
 *  |      | BLOCK_SIZE:  minimum (4), preferred (4), max (4) |
 *  +------+--------------------------------------------------+
 * </pre>
 */
public final class NbdInfo {
    public static final int EXPORT = 0;
    public static final int NAME = 1;
    public static final int DESCRIPTION = 2;
    public static final int BLOCK_SIZE = 3;

    public static final int TYPE_BYTES = 2;
    public static final int EXPORT_BYTES = 12;
    public static final int BLOCK_SIZE_BYTES = 14;

    private NbdInfo() {}
}
