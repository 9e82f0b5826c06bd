package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.device.DeviceOpener;
import java.nio.file.Path;

/** Devices as they are typed: the path of a file or block device, the URI of an NBD export, or a volume of LVM. */
final class DeviceName {
    private DeviceName() {}

    /** A URI as it is, a path made absolute: a daemon, and a pool's directory, are elsewhere. Null stays null. */
    static String absolute(String device) {
        return device == null || !DeviceOpener.isPath(device)
                ? device
                : Path.of(device).toAbsolutePath().normalize().toString();
    }
}
