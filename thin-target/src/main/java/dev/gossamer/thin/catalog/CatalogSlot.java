package dev.gossamer.thin.catalog;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * What the catalog says of one device. A slot is 1 KiB at {@code id * 1024} of the catalog device: two halves of 512
 * bytes, written in turn; the valid half with the higher sequence counts, so a torn write loses nothing.
 *
 * <pre>
 *  offset size   of a half, little-endian
 *       0    8  magic "GOSSVOL1"
 *       8    8  sequence
 *      16    4  CRC-32C of the half with this field zero
 *      20    4  flags      bit 0 read-only, bit 1 the catalog itself, bit 2 deleted
 *      24    4  id
 *      28    4  origin id, 0xFFFFFFFF = none
 *      32    8  transaction id of the device when created
 *      40    4  pool time when created
 *      44    4  length of the name in bytes
 *      48    8  size in bytes
 *      56    8  created at, milliseconds since 1970
 *      64   16  UUID, big-endian
 *      80  128  name, UTF-8
 *     208  304  zero (limits and an external origin will live here)
 * </pre>
 *
 * @param sequence grows with every write of the slot
 * @param originId -1 = none
 */
public record CatalogSlot(
        long sequence,
        boolean readOnly,
        boolean catalogItself,
        boolean deleted,
        int id,
        int originId,
        long transactionId,
        int creationTime,
        long sizeBytes,
        long createdAtMillis,
        UUID uuid,
        String name) {

    /** A slot: two halves. */
    public static final int SLOT_BYTES = 1024;

    /** One half, the unit of writing. */
    public static final int HALF_BYTES = 512;

    /** Room for a name. */
    public static final int MAX_NAME_BYTES = 128;

    private static final long MAGIC = 0x314C_4F56_5353_4F47L; // "GOSSVOL1"
    private static final int SEQUENCE = 8;
    private static final int CHECKSUM = 16;
    private static final int FLAGS = 20;
    private static final int ID = 24;
    private static final int ORIGIN_ID = 28;
    private static final int TRANSACTION_ID = 32;
    private static final int CREATION_TIME = 40;
    private static final int NAME_LENGTH = 44;
    private static final int SIZE = 48;
    private static final int CREATED_AT = 56;
    private static final int UUID_BYTES = 64;
    private static final int NAME = 80;

    private static final int FLAG_READ_ONLY = 1;
    private static final int FLAG_CATALOG = 2;
    private static final int FLAG_DELETED = 4;

    /** Whether the slot speaks of the device that exists now under its id, and not of an earlier one. */
    public boolean matches(long deviceTransactionId, int deviceCreationTime) {
        return !deleted && transactionId == deviceTransactionId && creationTime == deviceCreationTime;
    }

    /** When the volume was created. */
    public Instant createdAt() {
        return Instant.ofEpochMilli(createdAtMillis);
    }

    public CatalogSlot withName(String newName) {
        return new CatalogSlot(
                sequence,
                readOnly,
                catalogItself,
                deleted,
                id,
                originId,
                transactionId,
                creationTime,
                sizeBytes,
                createdAtMillis,
                uuid,
                newName);
    }

    public CatalogSlot withSize(long newSizeBytes) {
        return new CatalogSlot(
                sequence,
                readOnly,
                catalogItself,
                deleted,
                id,
                originId,
                transactionId,
                creationTime,
                newSizeBytes,
                createdAtMillis,
                uuid,
                name);
    }

    CatalogSlot asDeleted() {
        return new CatalogSlot(
                sequence,
                readOnly,
                catalogItself,
                true,
                id,
                originId,
                transactionId,
                creationTime,
                sizeBytes,
                createdAtMillis,
                uuid,
                name);
    }

    CatalogSlot withSequence(long newSequence) {
        return new CatalogSlot(
                newSequence,
                readOnly,
                catalogItself,
                deleted,
                id,
                originId,
                transactionId,
                creationTime,
                sizeBytes,
                createdAtMillis,
                uuid,
                name);
    }

    /** Encodes into the 512 bytes at {@code offset}. */
    void encode(ByteBuffer target, int offset) {
        ByteBuffer half = target.slice(offset, HALF_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        half.put(0, new byte[HALF_BYTES]);
        half.putLong(0, MAGIC);
        half.putLong(SEQUENCE, sequence);
        half.putInt(
                FLAGS,
                (readOnly ? FLAG_READ_ONLY : 0) | (catalogItself ? FLAG_CATALOG : 0) | (deleted ? FLAG_DELETED : 0));
        half.putInt(ID, id);
        half.putInt(ORIGIN_ID, originId);
        half.putLong(TRANSACTION_ID, transactionId);
        half.putInt(CREATION_TIME, creationTime);
        half.putLong(SIZE, sizeBytes);
        half.putLong(CREATED_AT, createdAtMillis);
        half.putLong(UUID_BYTES, Long.reverseBytes(uuid.getMostSignificantBits()));
        half.putLong(UUID_BYTES + 8, Long.reverseBytes(uuid.getLeastSignificantBits()));
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        half.putInt(NAME_LENGTH, nameBytes.length);
        half.put(NAME, nameBytes);
        half.putInt(CHECKSUM, checksum(half));
    }

    /** Decodes the slot at {@code offset}: the newer valid half, or null if neither is a half of this id's slot. */
    static CatalogSlot decode(ByteBuffer source, int offset, int expectedId) {
        CatalogSlot first = decodeHalf(source, offset, expectedId);
        CatalogSlot second = decodeHalf(source, offset + HALF_BYTES, expectedId);
        if (first == null) {
            return second;
        }
        return second == null || second.sequence < first.sequence ? first : second;
    }

    private static CatalogSlot decodeHalf(ByteBuffer source, int offset, int expectedId) {
        ByteBuffer half = source.slice(offset, HALF_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (half.getLong(0) != MAGIC || half.getInt(CHECKSUM) != checksum(half) || half.getInt(ID) != expectedId) {
            return null;
        }
        int nameLength = half.getInt(NAME_LENGTH);
        if (nameLength < 0 || nameLength > MAX_NAME_BYTES) {
            return null;
        }
        byte[] nameBytes = new byte[nameLength];
        half.get(NAME, nameBytes);
        int flags = half.getInt(FLAGS);
        return new CatalogSlot(
                half.getLong(SEQUENCE),
                (flags & FLAG_READ_ONLY) != 0,
                (flags & FLAG_CATALOG) != 0,
                (flags & FLAG_DELETED) != 0,
                expectedId,
                half.getInt(ORIGIN_ID),
                half.getLong(TRANSACTION_ID),
                half.getInt(CREATION_TIME),
                half.getLong(SIZE),
                half.getLong(CREATED_AT),
                new UUID(Long.reverseBytes(half.getLong(UUID_BYTES)), Long.reverseBytes(half.getLong(UUID_BYTES + 8))),
                new String(nameBytes, StandardCharsets.UTF_8));
    }

    private static int checksum(ByteBuffer half) {
        CRC32C crc = new CRC32C();
        crc.update(half.slice(0, CHECKSUM));
        crc.update(new byte[Integer.BYTES]);
        crc.update(half.slice(CHECKSUM + Integer.BYTES, HALF_BYTES - CHECKSUM - Integer.BYTES));
        return (int) crc.getValue();
    }
}
