package dev.gossamer.thin;

/** Sizes as people read them: 16 MiB, 4.5 GiB. */
public final class SizeText {
    private static final String[] UNITS = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final int STEP = 1024;
    private static final int MIB = STEP * STEP;

    private SizeText() {}

    /** A number of bytes in the largest unit of which there is one, with a tenth where it is not whole. */
    public static String of(long bytes) {
        int unit = 0;
        long divisor = 1;
        while (unit + 1 < UNITS.length && bytes / divisor >= STEP) {
            divisor *= STEP;
            unit++;
        }
        // Cut, not rounded: what is free must not look like more.
        long rest = bytes % divisor;
        long tenths =
                bytes / divisor * 10 + (divisor > MIB ? rest / STEP * 10 / (divisor / STEP) : rest * 10 / divisor);
        return (tenths % 10 == 0 ? "" + tenths / 10 : tenths / 10 + "." + tenths % 10) + " " + UNITS[unit];
    }
}
