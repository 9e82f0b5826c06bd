package dev.gossamer.thin.catalog;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * What the catalog says of one device. A slot is 1 KiB at {@code id * 1024} of the catalog device: two halves of 512
 * bytes, written in turn, so a torn write loses nothing. Which of them is in force, {@link SlotHalves} tells.
 *
 * <pre>
 *  offset size   of a half, little-endian
 *       0    8  magic "GOSSVOL2"; "GOSSVOL1" of halves from before generations were counted
 *       8    8  sequence
 *      16    4  CRC-32C of the half with this field zero
 *      20    4  flags      bit 0 read-only, bit 1 the catalog itself, bit 2 deleted, bit 3 thick, bit 4 critical
 *      24    4  id
 *      28    4  origin id, 0xFFFFFFFF = none
 *      32    8  transaction id of the device when created
 *      40    4  pool time when created
 *      44    4  length of the name in bytes
 *      48    8  size in bytes
 *      56    8  created at, milliseconds since 1970
 *      64   16  UUID, big-endian
 *      80  128  name, UTF-8
 *     208    8  limit of mapped space in bytes, 0 = none
 *     216    8  reserved space in bytes, 0 = none
 *     224    1  when the pool is full: 0 as the pool says, 1 queue, 2 error
 *     225    3  seconds that writes wait then, 0 = as the pool says
 *     228    4  in force from this generation of the catalog; GOSSVOL1: from this snapshotted time of the device
 *     232    8  external origin: size in bytes
 *     240    4  external origin: CRC-32C of samples
 *     244    4  external origin: length of its location in bytes, 0 = none
 *     248  264  external origin: location, UTF-8; behind it {@link SlotSettings}
 * </pre>
 *
 * @param sequence grows with every write of the slot
 * @param originId -1 = none
 * @param inForceFrom the {@linkplain DeviceDetails#catalogGeneration generation} of the catalog that the slot was
 *     written for: it comes into force with the commit that makes this the catalog's generation, and never if that is
 *     undone
 * @param externalOrigin what shows through where nothing is mapped; null = zeros
 * @param limits never null
 * @param rates never null
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
        String name,
        int inForceFrom,
        ExternalOrigin externalOrigin,
        VolumeLimits limits,
        IoRates rates) {

    /** A slot: two halves. */
    public static final int SLOT_BYTES = 1024;

    /** One half, the unit of writing. */
    public static final int HALF_BYTES = 512;

    /** Room for a name. */
    public static final int MAX_NAME_BYTES = 128;

    private static final long MAGIC = 0x324C_4F56_5353_4F47L; // "GOSSVOL2"
    private static final long OLD_MAGIC = 0x314C_4F56_5353_4F47L; // "GOSSVOL1"
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
    private static final int LIMIT = 208;
    private static final int RESERVE = 216;
    private static final int ON_FULL = 224;
    private static final int IN_FORCE_FROM = 228;
    private static final int EXTERNAL_SIZE = 232;
    private static final int EXTERNAL_SAMPLES = 240;
    private static final int EXTERNAL_LENGTH = 244;
    private static final int EXTERNAL_LOCATION = 248;

    private static final int FLAG_READ_ONLY = 1;
    private static final int FLAG_CATALOG = 2;
    private static final int FLAG_DELETED = 4;
    private static final int FLAG_THICK = 8;
    private static final int FLAG_CRITICAL = 16;

    /** Whether the slot speaks of the device that exists now under its id, and not of an earlier one. */
    public boolean matches(DeviceDetails details) {
        return !deleted && transactionId == details.transactionId() && creationTime == details.creationTime();
    }

    /** When the volume was created. */
    public Instant createdAt() {
        return Instant.ofEpochMilli(createdAtMillis);
    }

    public CatalogSlot withName(String newName) {
        Edit edit = new Edit(this);
        edit.name = newName;
        return edit.done();
    }

    public CatalogSlot withSize(long newSizeBytes) {
        Edit edit = new Edit(this);
        edit.sizeBytes = newSizeBytes;
        return edit.done();
    }

    public CatalogSlot withExternalOrigin(ExternalOrigin newOrigin) {
        Edit edit = new Edit(this);
        edit.externalOrigin = newOrigin;
        return edit.done();
    }

    public CatalogSlot withLimits(VolumeLimits newLimits) {
        Edit edit = new Edit(this);
        edit.limits = newLimits;
        return edit.done();
    }

    public CatalogSlot withRates(IoRates newRates) {
        Edit edit = new Edit(this);
        edit.rates = newRates;
        return edit.done();
    }

    /** Throws EINVAL if a half has no room for all of it: then it must not be put. */
    public void checkRoom() throws StorageException {
        if (settingsAt() + SlotSettings.bytes(rates) > HALF_BYTES) {
            throw new StorageException(
                    Errno.EINVAL,
                    "beside the location of the external origin of '" + name
                            + "' the catalog has no room for so many rates; set fewer of them, or detach the volume");
        }
    }

    private int settingsAt() {
        return EXTERNAL_LOCATION
                + (externalOrigin == null ? 0 : externalOrigin.location().getBytes(StandardCharsets.UTF_8).length);
    }

    CatalogSlot asDeleted() {
        Edit edit = new Edit(this);
        edit.deleted = true;
        return edit.done();
    }

    CatalogSlot asWritten(long newSequence, int generation) {
        Edit edit = new Edit(this);
        edit.sequence = newSequence;
        edit.inForceFrom = generation;
        return edit.done();
    }

    /** A slot in which a field or two are being changed. */
    private static final class Edit {
        private final CatalogSlot before;
        long sequence;
        boolean deleted;
        long sizeBytes;
        String name;
        int inForceFrom;
        ExternalOrigin externalOrigin;
        VolumeLimits limits;
        IoRates rates;

        Edit(CatalogSlot before) {
            this.before = before;
            sequence = before.sequence;
            deleted = before.deleted;
            sizeBytes = before.sizeBytes;
            name = before.name;
            inForceFrom = before.inForceFrom;
            externalOrigin = before.externalOrigin;
            limits = before.limits;
            rates = before.rates;
        }

        CatalogSlot done() {
            return new CatalogSlot(
                    sequence,
                    before.readOnly,
                    before.catalogItself,
                    deleted,
                    before.id,
                    before.originId,
                    before.transactionId,
                    before.creationTime,
                    sizeBytes,
                    before.createdAtMillis,
                    before.uuid,
                    name,
                    inForceFrom,
                    externalOrigin,
                    limits,
                    rates);
        }
    }

    /** Encodes into the 512 bytes at {@code offset}. */
    void encode(ByteBuffer target, int offset) {
        ByteBuffer half = target.slice(offset, HALF_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        half.put(0, new byte[HALF_BYTES]);
        half.putLong(0, MAGIC);
        half.putLong(SEQUENCE, sequence);
        half.putInt(FLAGS, flags());
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
        half.putInt(IN_FORCE_FROM, inForceFrom);
        if (externalOrigin != null) {
            byte[] location = externalOrigin.location().getBytes(StandardCharsets.UTF_8);
            half.putLong(EXTERNAL_SIZE, externalOrigin.sizeBytes());
            half.putInt(EXTERNAL_SAMPLES, externalOrigin.sampleChecksum());
            half.putInt(EXTERNAL_LENGTH, location.length);
            half.put(EXTERNAL_LOCATION, location);
        }
        half.putLong(LIMIT, limits.limitBytes());
        half.putLong(RESERVE, limits.reserveBytes());
        half.putInt(ON_FULL, OnFull.stored(limits.onFull()) | limits.onFullSeconds() << Byte.SIZE);
        SlotSettings.encode(rates, half, settingsAt());
        half.putInt(CHECKSUM, checksum(half));
    }

    /** Decodes 512 bytes; null if they are not a half of this id's slot. */
    static SlotHalves.Half decode(ByteBuffer source, int offset, int expectedId) {
        ByteBuffer half = source.slice(offset, HALF_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        boolean old = half.getLong(0) == OLD_MAGIC;
        if ((half.getLong(0) != MAGIC && !old)
                || half.getInt(CHECKSUM) != checksum(half)
                || half.getInt(ID) != expectedId) {
            return null;
        }
        int nameLength = half.getInt(NAME_LENGTH);
        if (nameLength < 0 || nameLength > MAX_NAME_BYTES) {
            return null;
        }
        byte[] nameBytes = new byte[nameLength];
        half.get(NAME, nameBytes);
        int locationLength = half.getInt(EXTERNAL_LENGTH);
        if (locationLength < 0 || locationLength > ExternalOrigin.MAX_LOCATION_BYTES) {
            return null;
        }
        ExternalOrigin externalOrigin = null;
        if (locationLength > 0) {
            byte[] location = new byte[locationLength];
            half.get(EXTERNAL_LOCATION, location);
            externalOrigin = new ExternalOrigin(
                    new String(location, StandardCharsets.UTF_8),
                    half.getLong(EXTERNAL_SIZE),
                    half.getInt(EXTERNAL_SAMPLES));
        }
        int flags = half.getInt(FLAGS);
        CatalogSlot slot = new CatalogSlot(
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
                new String(nameBytes, StandardCharsets.UTF_8),
                half.getInt(IN_FORCE_FROM),
                externalOrigin,
                limits(half),
                SlotSettings.decode(half, EXTERNAL_LOCATION + locationLength));
        return new SlotHalves.Half(slot, old);
    }

    private int flags() {
        return (readOnly ? FLAG_READ_ONLY : 0)
                | (catalogItself ? FLAG_CATALOG : 0)
                | (deleted ? FLAG_DELETED : 0)
                | (limits.thick() ? FLAG_THICK : 0)
                | (limits.critical() ? FLAG_CRITICAL : 0);
    }

    private static VolumeLimits limits(ByteBuffer half) {
        int flags = half.getInt(FLAGS);
        int onFull = half.getInt(ON_FULL);
        return new VolumeLimits(
                half.getLong(LIMIT),
                half.getLong(RESERVE),
                (flags & FLAG_THICK) != 0,
                (flags & FLAG_CRITICAL) != 0,
                OnFull.ofStored(onFull & 0xFF),
                onFull >>> Byte.SIZE);
    }

    private static int checksum(ByteBuffer half) {
        CRC32C crc = new CRC32C();
        crc.update(half.slice(0, CHECKSUM));
        crc.update(new byte[Integer.BYTES]);
        crc.update(half.slice(CHECKSUM + Integer.BYTES, HALF_BYTES - CHECKSUM - Integer.BYTES));
        return (int) crc.getValue();
    }
}
