package dev.gossamer.io;

/**
 * What tells a device from another one that came under its name: one line, to be recorded and to be read.
 *
 * @param name what the device tells of itself ({@link BlockDevice#identityName}); empty if that is nothing
 * @param sizeBytes negative if the record is none that a device could have
 */
public record StorageIdentity(String name, long sizeBytes) {
    private static final String BETWEEN = ", ";
    private static final String BYTES = " bytes";

    public static StorageIdentity of(BlockDevice device) {
        return new StorageIdentity(device.identityName(), device.sizeBytes());
    }

    /** Reads what {@link #toString} wrote; anything else is no device's. */
    public static StorageIdentity parse(String line) {
        int at = line.lastIndexOf(BETWEEN);
        String size = at < 0 ? line : line.substring(at + BETWEEN.length());
        if (size.endsWith(BYTES)) {
            try {
                long bytes = Long.parseLong(size, 0, size.length() - BYTES.length(), 10);
                return new StorageIdentity(at < 0 ? "" : line.substring(0, at), bytes);
            } catch (NumberFormatException e) {
                // As any other line.
            }
        }
        return new StorageIdentity(line, -1);
    }

    /**
     * Whether a device that is there may be this one: it may have grown since; one that told nothing but its size must
     * have exactly that. With a newer kernel or a newer version of this program a device may tell more than it did.
     */
    public boolean admits(StorageIdentity found) {
        if (sizeBytes < 0 || found.sizeBytes < sizeBytes) {
            return false;
        }
        return name.isEmpty()
                ? found.sizeBytes == sizeBytes
                : found.name.equals(name) || found.name.startsWith(name + BETWEEN);
    }

    /** Whether both are certainly one device, and not only alike. */
    public boolean isSurely(StorageIdentity other) {
        return !name.isEmpty() && name.equals(other.name);
    }

    @Override
    public String toString() {
        return sizeBytes < 0 ? name : (name.isEmpty() ? "" : name + BETWEEN) + sizeBytes + BYTES;
    }
}
