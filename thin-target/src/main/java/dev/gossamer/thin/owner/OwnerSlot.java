package dev.gossamer.thin.owner;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Who owns a pool, as it is stored: 512 bytes, little-endian (OP-11).
 *
 * <pre>
 *  offset size
 *       0    8  magic              "GOSSOWN1"; of the two registers for claiming "GOSSOWNC" and "GOSSOWND"
 *       8    8  sequence           grows with every write of the slot
 *      16    4  CRC-32C of the 512 bytes with this field zero
 *      20    4  state              1 running, 2 closed, 3 claiming
 *      24    8  epoch              grows with every change of owner
 *      32   16  claim              UUID: tells two claims of one epoch apart
 *      48   16  host id            UUID, big-endian like the other two
 *      64   16  boot id            UUID
 *      80    8  process number
 *      88    8  start of the process, in clock ticks since the boot
 *      96    8  number of its process namespace
 *     104    4  interval           milliseconds between two writes while running
 *     108    4  length of the text in bytes
 *     112    8  claimed at         milliseconds since 1970
 *     120    8  written at         milliseconds since 1970
 *     128  256  text               UTF-8
 *     384   16  basis              first half of the SHA-256 of the superblock that the claim was made on
 * </pre>
 *
 * <p>Until the catalog has the block, the basis alone tells a slot from what a guest may have left in it.
 */
public record OwnerSlot(
        long epoch,
        long sequence,
        State state,
        UUID claim,
        UUID basis,
        OwnerProcess process,
        int intervalMillis,
        long claimedAtMillis,
        long writtenAtMillis) {

    /** One half of a slot, and what is written at once. */
    static final int BYTES = 512;

    static final long MAGIC_SLOT = magic("GOSSOWN1");
    static final long MAGIC_CONTENDER = magic("GOSSOWNC");
    static final long MAGIC_DOOR = magic("GOSSOWND");

    private static final int SEQUENCE = 8;
    private static final int CHECKSUM = 16;
    private static final int STATE = 20;
    private static final int EPOCH = 24;
    private static final int CLAIM = 32;
    private static final int HOST_ID = 48;
    private static final int BOOT_ID = 64;
    private static final int PID = 80;
    private static final int START = 88;
    private static final int NAMESPACE = 96;
    private static final int INTERVAL = 104;
    private static final int TEXT_LENGTH = 108;
    private static final int CLAIMED_AT = 112;
    private static final int WRITTEN_AT = 120;
    private static final int TEXT = 128;
    private static final int TEXT_BYTES = 256;
    private static final int BASIS = 384;

    /** What the owner does. */
    enum State {
        RUNNING(1),
        /** It has ended in good order and will write nothing more. */
        CLOSED(2),
        /** It waits for the owner before it to notice, who may still be there. */
        CLAIMING(3);

        private final int stored;

        State(int stored) {
            this.stored = stored;
        }

        /** Null if it is none. */
        static State of(int stored) {
            return Arrays.stream(values())
                    .filter(state -> state.stored == stored)
                    .findAny()
                    .orElse(null);
        }
    }

    private static long magic(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    /** The same claim, written once more. */
    OwnerSlot next(State nextState, long nowMillis) {
        return new OwnerSlot(
                epoch, sequence + 1, nextState, claim, basis, process, intervalMillis, claimedAtMillis, nowMillis);
    }

    /** Whether both are of one claim. */
    boolean isSameClaim(OwnerSlot other) {
        return other != null && epoch == other.epoch && claim.equals(other.claim);
    }

    /** Whether this was written later: under a later owner, or later by the same. */
    private boolean isNewerThan(OwnerSlot other) {
        int epochs = Long.compareUnsigned(epoch, other.epoch);
        return epochs > 0 || (epochs == 0 && Long.compareUnsigned(sequence, other.sequence) > 0);
    }

    /** For an error message: who it is, and when it was last seen by its own clock. */
    String describe(long nowMillis) {
        long seconds = Math.max(0, nowMillis - writtenAtMillis) / 1000;
        return "host " + process.text() + ", process " + process.pid() + ", owner since "
                + Instant.ofEpochMilli(claimedAtMillis).truncatedTo(ChronoUnit.SECONDS) + ", last heard of "
                + Duration.ofSeconds(seconds).toString().substring(2).toLowerCase(java.util.Locale.ROOT) + " ago";
    }

    /** Encodes into the 512 bytes at {@code offset}. */
    void encode(byte[] target, int offset, long magic) {
        Arrays.fill(target, offset, offset + BYTES, (byte) 0);
        ByteBuffer out = ByteBuffer.wrap(target, offset, BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(0, magic);
        out.putLong(SEQUENCE, sequence);
        out.putInt(STATE, state.stored);
        out.putLong(EPOCH, epoch);
        putUuid(out, CLAIM, claim);
        putUuid(out, BASIS, basis);
        putUuid(out, HOST_ID, process.hostId());
        putUuid(out, BOOT_ID, process.bootId());
        out.putLong(PID, process.pid());
        out.putLong(START, process.startTicks());
        out.putLong(NAMESPACE, process.pidNamespace());
        out.putInt(INTERVAL, intervalMillis);
        out.putLong(CLAIMED_AT, claimedAtMillis);
        out.putLong(WRITTEN_AT, writtenAtMillis);
        byte[] text = process.text().getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, TEXT_BYTES);
        out.putInt(TEXT_LENGTH, length);
        out.put(TEXT, text, 0, length);
        out.putInt(CHECKSUM, checksum(out));
    }

    /** Null if there is none at {@code offset}, or a damaged one. */
    static OwnerSlot decode(byte[] source, int offset, long magic) {
        ByteBuffer in = ByteBuffer.wrap(source, offset, BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        State state = State.of(in.getInt(STATE));
        int length = in.getInt(TEXT_LENGTH);
        boolean sound = in.getLong(0) == magic
                && in.getInt(CHECKSUM) == checksum(in)
                && state != null
                && length >= 0
                && length <= TEXT_BYTES
                && in.getInt(INTERVAL) >= 0;
        if (!sound) {
            return null;
        }
        byte[] text = new byte[length];
        in.get(TEXT, text);
        OwnerProcess process = new OwnerProcess(
                uuid(in, HOST_ID),
                uuid(in, BOOT_ID),
                in.getLong(NAMESPACE),
                in.getLong(PID),
                in.getLong(START),
                // It is printed: a foreign one must not move the cursor.
                new String(text, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?"));
        return new OwnerSlot(
                in.getLong(EPOCH),
                in.getLong(SEQUENCE),
                state,
                uuid(in, CLAIM),
                uuid(in, BASIS),
                process,
                in.getInt(INTERVAL),
                in.getLong(CLAIMED_AT),
                in.getLong(WRITTEN_AT));
    }

    /** The one of two halves that counts; null if neither is sound. */
    static OwnerSlot inForce(OwnerSlot one, OwnerSlot other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return other.isNewerThan(one) ? other : one;
    }

    private static void putUuid(ByteBuffer out, int at, UUID value) {
        out.putLong(at, Long.reverseBytes(value.getMostSignificantBits()));
        out.putLong(at + 8, Long.reverseBytes(value.getLeastSignificantBits()));
    }

    private static UUID uuid(ByteBuffer in, int at) {
        return new UUID(Long.reverseBytes(in.getLong(at)), Long.reverseBytes(in.getLong(at + 8)));
    }

    private static int checksum(ByteBuffer slot) {
        CRC32C crc = new CRC32C();
        crc.update(slot.slice(0, CHECKSUM));
        crc.update(new byte[Integer.BYTES]);
        crc.update(slot.slice(CHECKSUM + Integer.BYTES, BYTES - CHECKSUM - Integer.BYTES));
        return (int) crc.getValue();
    }
}
