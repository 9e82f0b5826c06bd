package dev.gossamer.io;

/** A device of which somebody else remembers what it has lost: for devices that do not do so themselves. */
public final class WatchedDevice implements BlockDevice {
    private final BlockDevice below;
    private final DeviceHealth health;

    private WatchedDevice(BlockDevice below) {
        this.below = below;
        this.health = new DeviceHealth(below);
    }

    /** The device itself if it has a {@link BlockDevice#health}, else one around it that has. */
    public static BlockDevice over(BlockDevice device) {
        return device.health() == null ? new WatchedDevice(device) : device;
    }

    @Override
    public DeviceHealth health() {
        return health;
    }

    @Override
    public String identityName() {
        return below.identityName();
    }

    @Override
    public BlockGeometry geometry() {
        return below.geometry();
    }

    @Override
    public long sizeBytes() {
        return below.sizeBytes();
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return below.readsAsZeros(offsetBytes, lengthBytes);
    }

    @Override
    public void submit(BlockRequest request) {
        if (health.admit(request)) {
            below.submit(request);
        }
    }

    @Override
    public void close() {
        below.close();
    }

    /** Around the same device. */
    @Override
    public boolean equals(Object other) {
        return other instanceof WatchedDevice watched && watched.below.equals(below);
    }

    @Override
    public int hashCode() {
        return below.hashCode();
    }

    @Override
    public String toString() {
        return below.toString();
    }
}
