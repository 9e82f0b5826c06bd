package dev.gossamer.it.sim.judge;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What a write leaves in a sector: its stamp, the sector's number, and a pattern that follows from both. */
public final class Content {
    public static final int SECTOR_BYTES = 512;

    /** Of all that is in the external origin. */
    public static final long ORIGIN_STAMP = 1L << 60;

    public static final int ORIGIN_SECTORS = 9 * 128 + 5;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int WORDS = SECTOR_BYTES / Long.BYTES;

    private Content() {}

    /** The bytes of a write. */
    public static byte[] of(long stamp, long firstSector, int sectors) {
        byte[] data = new byte[sectors * SECTOR_BYTES];
        for (int i = 0; i < sectors; i++) {
            long word = mix(stamp, firstSector + i);
            int at = i * SECTOR_BYTES;
            LONG.set(data, at, stamp);
            LONG.set(data, at + Long.BYTES, firstSector + i);
            for (int w = 2; w < WORDS; w++) {
                LONG.set(data, at + w * Long.BYTES, word);
                word += 0x9E37_79B9_7F4A_7C15L;
            }
        }
        return data;
    }

    /** The stamp of a sector that is whole, 0 for zeros; -1 if it is neither, nor belongs there. */
    public static long stampOf(byte[] data, int at, long sector) {
        long stamp = (long) LONG.get(data, at);
        if (stamp == 0) {
            for (int w = 1; w < WORDS; w++) {
                if ((long) LONG.get(data, at + w * Long.BYTES) != 0) {
                    return -1;
                }
            }
            return 0;
        }
        if ((long) LONG.get(data, at + Long.BYTES) != sector) {
            return -1;
        }
        long word = mix(stamp, sector);
        for (int w = 2; w < WORDS; w++) {
            if ((long) LONG.get(data, at + w * Long.BYTES) != word) {
                return -1;
            }
            word += 0x9E37_79B9_7F4A_7C15L;
        }
        return stamp;
    }

    /** For a message: what is there. */
    static String describe(byte[] data, int at) {
        return "stamp " + LONG.get(data, at) + " of sector " + LONG.get(data, at + Long.BYTES);
    }

    private static long mix(long stamp, long sector) {
        long mixed = stamp * 0xBF58_476D_1CE4_E5B9L + sector * 0x94D0_49BB_1331_11EBL;
        return mixed ^ mixed >>> 31;
    }
}
