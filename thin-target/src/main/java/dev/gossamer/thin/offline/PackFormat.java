package dev.gossamer.thin.offline;

/**
 * Packed metadata, as thin_metadata_pack 1.x has them (OT-18): a head of four little-endian longs, then chunks, each a
 * length and so many bytes of zlib's; in them a block's number and code for its 4096 bytes, again and again.
 *
 * <p>Code makes longs from a base, or bytes. An instruction is a byte, tag and nibble;
 * operands have 1, 2, 4 or 8 bytes.
 *
 * <pre>
 *   0 SET      base = operand of nibble bytes; a long
 *   1 POS      base += nibble; a long               2 POS_WIDE   likewise by an operand of nibble bytes
 *   3 NEG      base -= nibble; a long               4 NEG_WIDE   likewise
 *   5 CONST    nibble longs, all base               6 CONST_WIDE nibble * 256 + next byte of them
 *   7 COUNT    the next instruction, nibble times   8 COUNT_WIDE nibble * 256 + next byte times
 *   9 LITERAL  nibble bytes                        10 LITERAL_WIDE as many as an operand of nibble bytes says
 *  11 SHIFTED  n = nibble * 256 + next byte; code for n longs, then for n more: n longs, first &lt;&lt; 24 | second
 * </pre>
 */
final class PackFormat {
    static final long MAGIC = 0xA537A0AA6309EF77L;
    static final long VERSION = 3;
    static final int BLOCK_BYTES = MetadataSource.BLOCK_BYTES;
    static final int HEAD_BYTES = 4 * Long.BYTES;
    static final int CHUNK_BLOCKS = 1024;

    /** Metadata devices have at most 16 GiB; what is behind that nobody uses. */
    static final long MAX_BLOCKS = 1L << 22;

    static final int SET = 0;
    static final int POS = 1;
    static final int POS_WIDE = 2;
    static final int NEG = 3;
    static final int NEG_WIDE = 4;
    static final int CONST = 5;
    static final int CONST_WIDE = 6;
    static final int COUNT = 7;
    static final int COUNT_WIDE = 8;
    static final int LITERAL = 9;
    static final int LITERAL_WIDE = 10;
    static final int SHIFTED = 11;

    static final int SHIFT = 24;
    static final int MAX_NIBBLE = 15;

    private PackFormat() {}
}
