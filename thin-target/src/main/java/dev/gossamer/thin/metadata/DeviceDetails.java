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
 */
public record DeviceDetails(long mappedBlocks, long transactionId, int creationTime, int snapshottedTime) {
    static final int BYTES = 24;
    static final int WORDS = BYTES / Long.BYTES;

    static DeviceDetails fromWords(long[] words) {
        return new DeviceDetails(words[0], words[1], (int) words[2], (int) (words[2] >>> 32));
    }

    void toWords(long[] words) {
        words[0] = mappedBlocks;
        words[1] = transactionId;
        words[2] = Integer.toUnsignedLong(creationTime) | (long) snapshottedTime << 32;
    }

    DeviceDetails withMappedBlocks(long newMappedBlocks) {
        return new DeviceDetails(newMappedBlocks, transactionId, creationTime, snapshottedTime);
    }

    DeviceDetails withSnapshottedTime(int newTime) {
        return new DeviceDetails(mappedBlocks, transactionId, creationTime, newTime);
    }
}
