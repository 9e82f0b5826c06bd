package dev.gossamer.daemon.server.export;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.nbd.handshake.ExportInfo;
import java.util.List;

/** Devices that are exported beside a pool's volumes. Called on event loops, so nothing here may wait. */
public interface DeviceSource {
    /** All that can be opened now. */
    List<ExportInfo> list();

    /** What clients are told about a device; null if there is none of that name. */
    ExportInfo find(String name);

    /** Opens a device for one connection, which closes it; null if it is gone since it was looked up. */
    BlockDevice open(String name);

    /** Whether a volume of the pool belongs to one of the devices and is no export of its own. */
    boolean hidesVolume(String volume);
}
