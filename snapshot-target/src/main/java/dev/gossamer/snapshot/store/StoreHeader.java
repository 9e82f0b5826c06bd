package dev.gossamer.snapshot.store;

import dev.gossamer.io.buffer.IoBuffer;
import java.nio.ByteBuffer;
import java.util.UUID;

/**
 * Chunk 0 of a persistent store, dm-snapshot's format, little-endian (rule S-L2).
 *
 * <pre>
 *  byte 0            4            8            12           16                       32
 *       +------------+------------+------------+------------+------------------------+----------------------
 *       | magic      | valid      | version    | chunk size | UUID of ours, or zero: | zero to the end of
 *       | "SnAp"     | 1, 0 = dead| 1          | sectors    | the kernel ignores it  | the chunk
 *       +------------+------------+------------+------------+------------------------+----------------------
 * </pre>
 *
 * @param magic 0 on a device that holds no store
 * @param chunkSectors 512-byte sectors per chunk
 * @param id tells this store from all others (rule S-L5); null if it has none
 */
public record StoreHeader(int magic, int valid, int version, int chunkSectors, UUID id) {
    public static final int MAGIC = 0x70416E53;
    public static final int VERSION = 1;
    static final int MAGIC_AT = 0;
    static final int VALID_AT = 4;
    static final int VERSION_AT = 8;
    static final int CHUNK_SECTORS_AT = 12;
    static final int ID_AT = 16;

    private static final UUID NO_ID = new UUID(0, 0);

    /** Where a store was. */
    static final StoreHeader NONE = new StoreHeader(0, 0, 0, 0, null);

    /** What has to be read and, for a new store, has to be zero. */
    public static final int BLOCK_BYTES = 4096;

    static StoreHeader of(int chunkBytes, boolean valid, UUID id) {
        return new StoreHeader(MAGIC, valid ? 1 : 0, VERSION, chunkBytes / 512, id);
    }

    static StoreHeader read(IoBuffer buffer) {
        ByteBuffer bytes = buffer.bytes();
        UUID id = new UUID(bytes.getLong(ID_AT), bytes.getLong(ID_AT + Long.BYTES));
        return new StoreHeader(
                bytes.getInt(MAGIC_AT),
                bytes.getInt(VALID_AT),
                bytes.getInt(VERSION_AT),
                bytes.getInt(CHUNK_SECTORS_AT),
                id.equals(NO_ID) ? null : id);
    }

    void write(IoBuffer buffer) {
        ByteBuffer bytes = buffer.bytes();
        bytes.putInt(MAGIC_AT, magic);
        bytes.putInt(VALID_AT, valid);
        bytes.putInt(VERSION_AT, version);
        bytes.putInt(CHUNK_SECTORS_AT, chunkSectors);
        UUID written = id == null ? NO_ID : id;
        bytes.putLong(ID_AT, written.getMostSignificantBits());
        bytes.putLong(ID_AT + Long.BYTES, written.getLeastSignificantBits());
    }
}
