package dev.gossamer.io.lvm.format;

/**
 * LVM's checksum: CRC-32 with the usual reflected polynomial, a start value of its own, and no inversion at the end
 * (OT-50).
 */
public final class LvmCrc {
    private static final int POLYNOMIAL = 0xEDB88320;
    private static final int START = 0xF597A6CF;

    private static final int[] TABLE = table();

    private LvmCrc() {}

    private static int[] table() {
        int[] table = new int[256];
        for (int i = 0; i < table.length; i++) {
            int crc = i;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
            }
            table[i] = crc;
        }
        return table;
    }

    public static int of(byte[] bytes, int from, int to) {
        int crc = START;
        for (int i = from; i < to; i++) {
            crc = crc >>> 8 ^ TABLE[(crc ^ bytes[i]) & 0xFF];
        }
        return crc;
    }
}
