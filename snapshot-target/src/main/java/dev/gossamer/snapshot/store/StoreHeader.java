package dev.gossamer.snapshot.store;

import dev.gossamer.io.buffer.IoBuffer;
import java.nio.ByteBuffer;

/**
 * Chunk 0 of a persistent store, dm-snapshot's format, little-endian (rule S-L2).
 *
 * <pre>
 *  byte 0            4            8            12           16
 *       +------------+------------+------------+------------+----------------------
 *       | magic      | valid      | version    | chunk size | zero to the end of
 *       | "SnAp"     | 1, 0 = dead| 1          | sectors    | the chunk
 *       +------------+------------+------------+------------+----------------------
 * </pre>
 *
 * @param magic 0 on a device that holds no store
 * @param chunkSectors 512-byte sectors per chunk
 */
public record StoreHeader(int magic, int valid, int version, int chunkSectors) {
    public static final int MAGIC = 0x70416E53;
    public static final int VERSION = 1;
    static final int MAGIC_AT = 0;
    static final int VALID_AT = 4;
    static final int VERSION_AT = 8;
    static final int CHUNK_SECTORS_AT = 12;

    /** Where a store was. */
    static final StoreHeader NONE = new StoreHeader(0, 0, 0, 0);

    /** What has to be read and, for a new store, has to be zero. */
    public static final int BLOCK_BYTES = 4096;

    static StoreHeader of(int chunkBytes, boolean valid) {
        return new StoreHeader(MAGIC, valid ? 1 : 0, VERSION, chunkBytes / 512);
    }

    static StoreHeader read(IoBuffer buffer) {
        ByteBuffer bytes = buffer.bytes();
        return new StoreHeader(
                bytes.getInt(MAGIC_AT),
                bytes.getInt(VALID_AT),
                bytes.getInt(VERSION_AT),
                bytes.getInt(CHUNK_SECTORS_AT));
    }

    void write(IoBuffer buffer) {
        ByteBuffer bytes = buffer.bytes();
        bytes.putInt(MAGIC_AT, magic);
        bytes.putInt(VALID_AT, valid);
        bytes.putInt(VERSION_AT, version);
        bytes.putInt(CHUNK_SECTORS_AT, chunkSectors);
    }
}
