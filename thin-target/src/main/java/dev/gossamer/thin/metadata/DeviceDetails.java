package dev.gossamer.thin.metadata;

/**
 * The record of a thin device in the details tree.
 *
 * <pre>
 *  offset size
 *       0    8  mapped blocks
 *       8    8  transaction id   the pool's, when the device was created
 *      16    4  creation time    the pool's, when the device was created
 *      20    4  snapshotted time the pool's, when the device last took part in a snapshot
 * </pre>
 *
 * @param mappedBlocks mappings in the device's tree
 * @param creationTime of the catalog's device: its {@link #catalogGeneration}
 */
public record DeviceDetails(long mappedBlocks, long transactionId, int creationTime, int snapshottedTime) {
    /**
     * The transaction id of a device that was deleted and whose blocks have not all been reclaimed: "GOSSDEL!". To a
     * program that does not know it, the device is one like any other. Real ones count changes from 0 and never get
     * here.
     */
    static final long RETIRED = 0x214C_4544_5353_4F47L;

    /**
     * The transaction id of the device that is the pool's catalog: "GOSSCAT!". It says so in the metadata, where no
     * guest can write, while everything inside a device is a guest's to write. Other programs keep it: to dm-thin the
     * number is only stored, and thin_dump and thin_restore carry it over.
     */
    static final long CATALOG = 0x2154_4143_5353_4F47L;

    /** Device ids are 0 to this, exclusive. */
    public static final int MAX_DEVICES = 1 << 24;

    static final int BYTES = 24;
    static final int WORDS = BYTES / Long.BYTES;

    /** From the record's eight-byte words, as numbers. */
    public static DeviceDetails fromWords(long[] words) {
        return new DeviceDetails(words[0], words[1], (int) words[2], (int) (words[2] >>> 32));
    }

    void toWords(long[] words) {
        words[0] = mappedBlocks;
        words[1] = transactionId;
        words[2] = Integer.toUnsignedLong(creationTime) | (long) snapshottedTime << 32;
    }

    /** Whether the device has been deleted and is being reclaimed. */
    public boolean isRetired() {
        return transactionId == RETIRED;
    }

    /** Whether the device is the pool's catalog. */
    public boolean isCatalog() {
        return transactionId == CATALOG;
    }

    /**
     * Grows with every transaction that changes what the catalog says; as a number without sign. For the catalog's
     * device.
     */
    public int catalogGeneration() {
        return creationTime;
    }

    /**
     * Whether the count is one and the times have come. A snapshotted time that has not would call shared what is
     * mapped from now on. A catalog's generation is no time.
     */
    public boolean isPossible(int poolTime) {
        return mappedBlocks >= 0
                && isPast(snapshottedTime, poolTime)
                && (isCatalog() || isPast(creationTime, poolTime));
    }

    private static boolean isPast(int time, int poolTime) {
        return time >= 0 && time <= poolTime;
    }

    DeviceDetails asCatalog(int generation) {
        return new DeviceDetails(mappedBlocks, CATALOG, generation, snapshottedTime);
    }

    DeviceDetails asRetired() {
        return new DeviceDetails(mappedBlocks, RETIRED, creationTime, snapshottedTime);
    }

    DeviceDetails withMappedBlocks(long newMappedBlocks) {
        return new DeviceDetails(newMappedBlocks, transactionId, creationTime, snapshottedTime);
    }

    DeviceDetails withTransactionId(long newTransactionId) {
        return new DeviceDetails(mappedBlocks, newTransactionId, creationTime, snapshottedTime);
    }

    DeviceDetails withSnapshottedTime(int newTime) {
        return new DeviceDetails(mappedBlocks, transactionId, creationTime, newTime);
    }
}
