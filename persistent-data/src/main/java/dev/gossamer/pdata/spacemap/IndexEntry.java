package dev.gossamer.pdata.spacemap;

/**
 * What a space map's index says of one bitmap (on-disk format, 6.2).
 *
 * <pre>
 *  byte 0           8        12                  15
 *      +-----------+--------+--------------------+
 *      | location  | free   | none free before   |
 *      +-----------+--------+--------------------+
 * </pre>
 *
 * @param location metadata block of the bitmap
 * @param free entries that are 0, those beyond the last counted block included; a hint when read
 * @param noneFreeBefore no entry below this one is 0; a hint when read
 */
public record IndexEntry(long location, int free, int noneFreeBefore) {
    public static final int BYTES = 16;

    /** From the two 64-bit words of a stored entry. */
    public static IndexEntry of(long word0, long word1) {
        return new IndexEntry(word0, (int) word1, (int) (word1 >>> Integer.SIZE));
    }

    long word1() {
        return (long) noneFreeBefore << Integer.SIZE | Integer.toUnsignedLong(free);
    }
}
