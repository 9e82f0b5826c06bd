package dev.gossamer.thin.catalog;

import dev.gossamer.io.rate.IoRates;
import java.nio.ByteBuffer;

/**
 * Settings that few volumes have, behind the last byte of a slot's half that is used: entries of 9 bytes, a tag and a
 * number, up to a tag of zero or the half's end. Zero is the default and has no entry. Programs that do not know a tag
 * pass over it, and those that know none see the zeros that are behind a slot's location.
 *
 * <pre>
 *  tag 1  iops            2  iops of reads        3  iops of writes
 *      4  bytes a second  5  bytes read a second  6  bytes written a second
 *      7  burst, milliseconds
 * </pre>
 */
final class SlotSettings {
    private static final int ENTRY_BYTES = 1 + Long.BYTES;
    private static final int TAGS = 8;

    private SlotSettings() {}

    /** What {@link #encode} takes. */
    static int bytes(IoRates rates) {
        int entries = 0;
        for (long value : values(rates)) {
            entries += value == 0 ? 0 : 1;
        }
        return entries * ENTRY_BYTES;
    }

    /** Into a half whose bytes from there on are zero, and enough. */
    static void encode(IoRates rates, ByteBuffer half, int from) {
        long[] values = values(rates);
        int at = from;
        for (int tag = 1; tag < TAGS; tag++) {
            if (values[tag] != 0) {
                half.put(at, (byte) tag);
                half.putLong(at + 1, values[tag]);
                at += ENTRY_BYTES;
            }
        }
    }

    static IoRates decode(ByteBuffer half, int from) {
        long[] values = new long[TAGS];
        for (int at = from; at + ENTRY_BYTES <= CatalogSlot.HALF_BYTES && half.get(at) != 0; at += ENTRY_BYTES) {
            int tag = half.get(at);
            if (tag > 0 && tag < TAGS) {
                values[tag] = half.getLong(at + 1);
            }
        }
        IoRates rates = new IoRates(values[1], values[2], values[3], values[4], values[5], values[6], values[7]);
        return rates.equals(IoRates.NONE) ? IoRates.NONE : rates;
    }

    private static long[] values(IoRates rates) {
        return new long[] {
            0,
            rates.iops(),
            rates.readIops(),
            rates.writeIops(),
            rates.bandwidth(),
            rates.readBandwidth(),
            rates.writeBandwidth(),
            rates.burstMillis()
        };
    }
}
