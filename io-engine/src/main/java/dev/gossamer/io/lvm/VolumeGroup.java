package dev.gossamer.io.lvm;

import dev.gossamer.io.lvm.format.PvLabel;
import java.util.List;
import java.util.Map;

/**
 * A volume group as its text has it.
 *
 * @param id without dashes
 * @param sequence grows with every change
 * @param status LVM's words
 * @param systemId the machine whose it is; empty if nobody's
 * @param lockType how machines that share it agree; empty or {@code none} if they do not
 */
record VolumeGroup(
        String name,
        String id,
        long sequence,
        List<String> status,
        String systemId,
        String lockType,
        long extentSectors,
        Map<String, PhysicalVolume> physicalVolumes,
        Map<String, LogicalVolume> logicalVolumes) {
    VolumeGroup {
        status = List.copyOf(status);
    }

    long extentBytes() {
        return extentSectors * PvLabel.SECTOR_BYTES;
    }

    boolean isWritable() {
        return status.contains("WRITE");
    }
}
