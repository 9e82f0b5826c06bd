package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.lvm.LvmName;
import dev.gossamer.io.StorageException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** A thin pool of LVM's, and where to look for it. */
final class LvmOptions {
    @Option(
            names = "--lvm",
            paramLabel = "VG/LV",
            description = "A thin pool of LVM's, not active there; read without LVM, and handed back by just stopping.")
    private String pool;

    @Option(
            names = "--pv",
            paramLabel = "DEVICE",
            description = "With --lvm: a physical volume, each of the group's; else all block devices are looked at.")
    private List<String> devices = List.of();

    @Option(names = "--foreign", description = "With --lvm: also a group with the system id of another machine.")
    private boolean foreign;

    @Option(
            names = "--assume-inactive",
            description = "With --lvm, where there is no /sys: nobody has the pool active.")
    private boolean assumeInactive;

    @Option(
            names = "--origin",
            paramLabel = "LV=DEVICE",
            description = {
                "With --lvm: the external origin LV of volumes is this device here: a path, the URI of an NBD export,",
                "or lvm:VG/LV. It is only read, and must never change."
            })
    private Map<String, String> origins = Map.of();

    boolean isGiven() {
        return pool != null;
    }

    /** Whether any is given that means nothing without the pool. */
    boolean isGivenInVain() {
        return pool == null && (!origins.isEmpty() || !devices.isEmpty() || foreign || assumeInactive);
    }

    /** Where external origins are, by their names in LVM. */
    Map<String, String> origins() {
        Map<String, String> absolute = new LinkedHashMap<>();
        origins.forEach((name, device) -> absolute.put(name, DeviceName.absolute(device)));
        return absolute;
    }

    LvmName name() throws StorageException {
        return LvmName.of(pool, devices.stream().map(DeviceName::absolute).toList(), foreign, assumeInactive);
    }
}
